{{ config(meta={'dagster': {'ref': {'name': 'dim_month'}}}) }}
-- The calendar has every month of every fact, so an inner join with it loses no row.
with used as (
    select distinct
        'seizures_monthly' as fact,
        month
    from {{ ref('seizures_monthly') }}
    union all
    select distinct
        'amo_seizures_monthly' as fact,
        month
    from {{ ref('amo_seizures_monthly') }}
    union all
    select distinct
        'overdose_deaths_12mo' as fact,
        month_ending as month
    from {{ ref('overdose_deaths_12mo') }}
    union all
    select distinct
        'overdose_deaths_monthly' as fact,
        month
    from {{ ref('overdose_deaths_monthly') }}
    union all
    select distinct
        'border_crossings_monthly' as fact,
        month
    from {{ ref('border_crossings_monthly') }}
)

select
    used.fact,
    used.month
from used
anti join {{ ref('dim_month') }} as calendar on used.month = calendar.month
