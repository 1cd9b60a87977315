{#-
Figures of each vintage for its newest thirteen months, and of the newest vintage for all months. The lag of a month is
counted from the newest month of its vintage. A full vintage has every state current on its day; an excerpt has only what
it lists. In each vintage US-NY is the sum of its parts, by the rule of the facts.
-#}
with releases as (
    select
        vintage as release,
        bool_and(is_partial) as is_partial,
        max(last_period) as newest_month
    from {{ ref('stg_coverage') }}
    where source_id = 'cdc_vsrr_overdose' and vintage <= {{ as_of() }}
    group by vintage
),

said as (
    select
        states.jurisdiction_id,
        states.indicator_id,
        releases.release,
        states.month_ending,
        cast(datediff('month', states.month_ending, releases.newest_month) as integer) as lag,
        cast(states.deaths_reported as double) as value,
        cast(states.deaths_predicted as double) as predicted
    from {{ ref('stg_cdc_vsrr_overdose') }} as states
    inner join releases
        on
            states.first_vintage <= releases.release
            and (states.replaced_vintage is null or states.replaced_vintage > releases.release)
            and states.month_ending <= releases.newest_month
    where
        states.change <> 'withdrawn'
        and states.indicator_id not in ('percent_specified', 'all_deaths')
        and (
            not releases.is_partial
            or states.first_vintage = releases.release
            or list_contains(states.excerpt_vintages, releases.release)
        )
),

new_york as (
    select
        'US-NY' as jurisdiction_id,
        indicator_id,
        release,
        month_ending,
        lag,
        {{ new_york_sum('value', 'release') }} as value,
        cast(null as double) as predicted
    from said
    where jurisdiction_id in {{ new_york_parts() }}
    group by indicator_id, release, month_ending, lag
),

everywhere as (
    select * from said
    union all
    select * from new_york
),

latest as (
    select
        *,
        release = max(release) over (partition by jurisdiction_id, indicator_id) as is_newest
    from everywhere
)

select
    jurisdiction_id,
    indicator_id,
    release,
    month_ending,
    lag,
    value,
    predicted
from latest
where lag <= 12 or is_newest
