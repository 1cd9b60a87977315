{#-
Published deaths in one month. States come from CDC WONDER by residence: a month inside the query's window without
a row had fewer than ten deaths, possibly none, and is missing as suppressed. The window of a query is the
span of months that it brought, so a month in which every state is hidden is in it too. The nation's T40.4
series is the published final one, shipped as a seed. One basis never replaces another.
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

-- A hidden month has no row of its own to say so: the publisher labels years, of all states alike.
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

residence as (
    select
        grid.jurisdiction_id,
        grid.month,
        grid.indicator_id,
        grid.basis,
        wonder.deaths,
        case when wonder.deaths is null then coalesce(wonder.missing_reason, 'suppressed') end as missing_reason,
        coalesce(wonder.is_partial, partial_months.is_partial, false) as is_partial,
        'cdc_wonder_overdose' as source_id,
        coalesce(wonder.vintage, grid.vintage) as vintage,
        coalesce(wonder.first_vintage, grid.first_vintage) as first_vintage
    from grid
    left join wonder using (jurisdiction_id, month, indicator_id, basis)
    left join partial_months using (month, indicator_id, basis)
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
        date '2026-11-24' as vintage,
        date '2026-11-24' as first_vintage
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
