{#-
Published deaths of one month. States come from CDC WONDER by residence. A month within the query's window without a
row had fewer than ten deaths, possibly none, and is missing as suppressed. The window of a query is the span of its
months, so it includes a month in which every state is hidden. A state does not fall from more than 40 deaths to below
ten and back (the largest figure on both sides of a hidden month is 31). Such a month is in no file. If no state at all
has the month, it is in no file for the other states either. It is missing as not_reported. The nation's T40.4 series is
the published final one, included as a seed. One basis never replaces another.
-#}
with {{ known_on(ref('stg_cdc_wonder_overdose'), ref('stg_coverage'), 'cdc_wonder_overdose', as_of()) }},

wonder as (
    select
        states.jurisdiction_id,
        states.month,
        states.indicator_id,
        states.basis,
        states.deaths,
        states.missing_reason,
        states.is_partial,
        {{ covering_vintage("states", "windows", as_of()) }} as vintage,
        states.value_vintage as first_vintage
    from states
    left join windows on states.scope = windows.scope and states.month = windows.period
    where states.change <> 'withdrawn'
),

spans as (
    select
        indicator_id,
        basis,
        first_vintage,
        max(vintage) as vintage,
        min(month) as first_month,
        max(month) as last_month
    from wonder
    group by indicator_id, basis, first_vintage
),

span_months as (
    select
        indicator_id,
        basis,
        first_vintage,
        vintage,
        cast(unnest(generate_series(first_month, last_month, interval 1 month)) as date) as month
    from spans
),

queried as (
    select
        indicator_id,
        basis,
        month,
        max(vintage) as vintage,
        min(first_vintage) as first_vintage
    from span_months
    group by indicator_id, basis, month
),

-- A hidden month has no row with a label. The publisher labels years, and labels all states alike.
partial_months as (
    select
        indicator_id,
        basis,
        month,
        bool_or(is_partial) as is_partial
    from wonder
    group by indicator_id, basis, month
),

reporting as (
    select distinct jurisdiction_id from wonder
),

grid as (
    select
        reporting.jurisdiction_id,
        queried.*
    from queried
    cross join reporting
),

around as (
    select
        grid.jurisdiction_id,
        grid.month,
        grid.indicator_id,
        grid.basis,
        wonder.deaths,
        wonder.missing_reason,
        coalesce(wonder.is_partial, partial_months.is_partial, false) as is_partial,
        coalesce(wonder.vintage, grid.vintage) as vintage,
        coalesce(wonder.first_vintage, grid.first_vintage) as first_vintage,
        wonder.month is null as is_absent,
        coalesce(
            least(
                last_value(wonder.deaths ignore nulls) over before_it,
                first_value(wonder.deaths ignore nulls) over after_it
            ) > 40,
            false
        ) as is_unlikely
    from grid
    left join wonder using (jurisdiction_id, month, indicator_id, basis)
    left join partial_months using (month, indicator_id, basis)
    window
        before_it as (
            partition by grid.jurisdiction_id, grid.indicator_id
            order by grid.month
            rows between unbounded preceding and 1 preceding
        ),
        after_it as (
            partition by grid.jurisdiction_id, grid.indicator_id
            order by grid.month
            rows between 1 following and unbounded following
        )
),

residence as (
    select
        jurisdiction_id,
        month,
        indicator_id,
        basis,
        deaths,
        case
            when deaths is not null then null
            when is_absent and is_unlikely then 'not_reported'
            when bool_and(is_absent) over of_month and bool_or(is_unlikely) over of_month then 'not_reported'
            else coalesce(missing_reason, 'suppressed')
        end as missing_reason,
        is_partial,
        'cdc_wonder_overdose' as source_id,
        vintage,
        first_vintage
    from around
    window of_month as (partition by indicator_id, month)
),

nation as (
    select
        'US' as jurisdiction_id,
        month,
        'synthetic_opioids_t404' as indicator_id,
        'final' as basis,
        deaths,
        cast(null as varchar) as missing_reason,
        false as is_partial,
        'us_t404_final_monthly' as source_id,
        vintage,
        vintage as first_vintage
    from {{ ref('us_t404_final_monthly') }}
),

everywhere as (
    select * from residence
    union all by name
    select * from nation
    where vintage <= {{ as_of() }}
)

select
    jurisdiction_id,
    month,
    indicator_id,
    basis,
    cast(deaths as bigint) as deaths,
    missing_reason,
    is_partial,
    basis = 'provisional' as is_provisional,
    {{ touches_break('everywhere.jurisdiction_id', 'everywhere.indicator_id', 'everywhere.month', 'everywhere.month') }}
        as is_break_affected,
    source_id,
    vintage,
    first_vintage
from everywhere
