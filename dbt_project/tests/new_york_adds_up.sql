{{ config(meta={'dagster': {'ref': {'name': 'overdose_deaths_12mo'}}}) }}
-- The whole state has one row for each month and indicator of a part, and the sum if both parts allow it.
with deaths as (
    select * from {{ ref('overdose_deaths_12mo') }}
),

city as (
    select * from deaths
    where jurisdiction_id = 'US-NYC'
),

rest as (
    select * from deaths
    where jurisdiction_id = 'US-NY-XNYC'
),

expected as (
    select
        month_ending,
        indicator_id,
        city.deaths_reported + rest.deaths_reported as deaths_reported,
        city.vintage = rest.vintage as is_comparable
    from city
    full join rest using (month_ending, indicator_id)
),

whole as (
    select
        month_ending,
        indicator_id,
        deaths_reported,
        true as is_there
    from deaths
    where jurisdiction_id = 'US-NY'
)

select
    month_ending,
    indicator_id,
    expected.deaths_reported as expected_deaths,
    whole.deaths_reported as deaths
from expected
full join whole using (month_ending, indicator_id)
where
    whole.is_there is null
    or whole.deaths_reported is distinct from case when expected.is_comparable then expected.deaths_reported end
