{{ config(meta={'dagster': {'ref': {'name': 'overdose_trends'}}}) }}
-- Each figure of the facts appears once on its basis, except for deaths of any cause and counts below ten.
with facts as (
    select
        'reported' as basis,
        count(*) as row_count,
        sum(deaths_reported) filter (where deaths_reported >= 10) as deaths
    from {{ ref('overdose_deaths_12mo') }}
    where indicator_id <> 'all_deaths'
    union all
    select
        'predicted' as basis,
        count(*) as row_count,
        sum(deaths_predicted) filter (where deaths_predicted >= 10) as deaths
    from {{ ref('overdose_deaths_12mo') }}
    where indicator_id <> 'all_deaths'
),

trends as (
    select
        basis,
        count(*) as row_count,
        sum(deaths) as deaths
    from {{ ref('overdose_trends') }}
    group by basis
)

select
    basis,
    facts.row_count as rows_published,
    trends.row_count as rows_shown,
    facts.deaths as deaths_published,
    trends.deaths as deaths_shown
from facts
full join trends using (basis)
where
    coalesce(facts.row_count, 0) <> coalesce(trends.row_count, 0)
    or facts.deaths is distinct from trends.deaths
