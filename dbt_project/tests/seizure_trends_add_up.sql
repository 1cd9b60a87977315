{{ config(meta={'dagster': {'ref': {'name': 'seizure_trends'}}}) }}
-- Components and areas add up to the nation, corridors to the Southwest Border, and the nation to the facts.
with facts as (
    select
        month,
        drug_id,
        sum(events) as events,
        sum(cast(quantity_lb as decimal(18, 6))) as quantity_lb
    from {{ ref('seizures_monthly') }}
    group by month, drug_id
),

published as (
    unpivot facts on cast(events as double) as events, cast(quantity_lb as double) as quantity_lb
    into name measure value value
),

totals as (
    select
        month,
        drug_id,
        measure,
        sum(value) filter (where scope = 'national') as national,
        sum(value) filter (where scope = 'component') as components,
        sum(value) filter (where scope = 'area') as areas,
        coalesce(sum(value) filter (where scope = 'southwest'), 0) as southwest,
        coalesce(sum(value) filter (where scope = 'corridor'), 0) as corridors
    from {{ ref('seizure_trends') }}
    group by month, drug_id, measure
)

select
    month,
    drug_id,
    measure,
    published.value as facts,
    totals.* exclude (month, drug_id, measure)
from totals
full join published using (month, drug_id, measure)
where
    totals.national is null
    or (published.value is null and measure <> 'quantity_kg')
    -- the files have a precision of a millionth of a pound
    or greatest(
        abs(totals.national - published.value),
        abs(totals.national - totals.components),
        abs(totals.national - totals.areas),
        abs(totals.southwest - totals.corridors)
    ) > 1e-6 * greatest(1, totals.national)
