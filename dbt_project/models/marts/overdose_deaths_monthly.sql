{#-
Deaths in one month. States come from CDC WONDER by residence: a month inside the query's window without
a row had fewer than ten deaths, possibly none, and is missing as suppressed. The nation's T40.4 series
is the published final one, shipped as a seed. One basis never replaces another.
-#}
with wonder as (
    select
        jurisdiction_id,
        month,
        indicator_id,
        basis,
        deaths,
        missing_reason,
        greatest(first_vintage, list_max(excerpt_vintages)) as vintage,
        value_vintage as first_vintage
    from {{ ref('stg_cdc_wonder_overdose') }}
    where
        first_vintage <= {{ as_of() }}
        and (replaced_vintage is null or replaced_vintage > {{ as_of() }})
        and change <> 'withdrawn'
),

queried as (
    select indicator_id, basis, month, max(vintage) as vintage, min(first_vintage) as first_vintage
    from wonder
    group by indicator_id, basis, month
),

reporting as (
    select distinct jurisdiction_id from wonder
),

grid as (
    select reporting.jurisdiction_id, queried.*
    from queried
    cross join reporting
),

states as (
    select
        grid.jurisdiction_id,
        grid.month,
        grid.indicator_id,
        grid.basis,
        wonder.deaths,
        case when wonder.deaths is null then coalesce(wonder.missing_reason, 'suppressed') end as missing_reason,
        'cdc_wonder_overdose' as source_id,
        coalesce(wonder.vintage, grid.vintage) as vintage,
        coalesce(wonder.first_vintage, grid.first_vintage) as first_vintage
    from grid
    left join wonder using (jurisdiction_id, month, indicator_id, basis)
),

nation as (
    select
        'US' as jurisdiction_id,
        month,
        'synthetic_opioids_t404' as indicator_id,
        'final' as basis,
        deaths,
        cast(null as varchar) as missing_reason,
        'us_t404_final_monthly' as source_id,
        date '2026-11-24' as vintage,
        date '2026-11-24' as first_vintage
    from {{ ref('us_t404_final_monthly') }}
),

everywhere as (
    select * from states
    union all by name
    select * from nation
)

select
    jurisdiction_id,
    month,
    indicator_id,
    basis,
    cast(deaths as bigint) as deaths,
    cast(null as double) as lower,
    cast(null as double) as upper,
    missing_reason,
    source_id,
    vintage,
    first_vintage
from everywhere
