{#-
Herfindahl-Hirschman index of the thirteen Southwest Border areas, the sum of their squared shares, both land
filters. The set is fixed, so an area without seizures has a share of 0. A closed year needs its twelve months.
-#}
with facts as (
    select
        seizures.*,
        {{ is_event_break("seizures") }} as is_event_break
    from {{ ref('seizures_monthly') }} as seizures
    where seizures.region = 'southwest'
),

amounts as (
    select
        facts.fiscal_year,
        facts.drug_id,
        facts.area_id,
        count(distinct facts.month) as months,
        sum(facts.events) as events,
        sum(cast(facts.quantity_lb as decimal(18, 6))) as quantity_lb,
        bool_or(facts.is_event_break) as is_event_break,
        bool_or(facts.is_fytd) as is_fytd,
        max(facts.vintage) as vintage
    from facts
    group by facts.fiscal_year, facts.drug_id, facts.area_id
),

precise as (
    select
        fiscal_year,
        drug_id,
        area_id,
        cast(events as decimal(38, 6)) as events,
        cast(quantity_lb as decimal(38, 6)) as quantity_lb,
        months,
        is_event_break,
        is_fytd,
        vintage
    from amounts
),

measured as (
    unpivot precise on events, quantity_lb into name measure value amount
),

years as (
    select distinct
        fiscal_year,
        drug_id,
        measure
    from measured
),

fixed as (
    select
        years.*,
        areas.area_id
    from years
    cross join {{ ref('dim_area') }} as areas
    where areas.region = 'southwest'
),

totals as (
    select
        fiscal_year,
        drug_id,
        measure,
        sum(amount) as total,
        max(months) as months,
        measure = 'events' and bool_or(is_event_break) as is_event_break,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from measured
    group by fiscal_year, drug_id, measure
),

shares as (
    select
        fixed.*,
        case
            when totals.total > 0 then cast(coalesce(measured.amount, 0) as double) / cast(totals.total as double)
        end as share
    from fixed
    inner join totals using (fiscal_year, drug_id, measure)
    left join measured using (fiscal_year, drug_id, measure, area_id)
),

indexed as (
    select
        fiscal_year,
        drug_id,
        measure,
        count(*) as area_count,
        sum(share * share order by area_id) as hhi,
        arg_max(area_id, share order by area_id) as leading_area_id,
        max(share) as leading_share
    from shares
    group by fiscal_year, drug_id, measure
),

reasoned as (
    select
        indexed.*,
        totals.* exclude (fiscal_year, drug_id, measure),
        case
            when totals.total = 0 then 'no_seizures'
            when totals.months < 12 and not totals.is_fytd then 'missing_month'
        end as null_reason
    from indexed
    inner join totals using (fiscal_year, drug_id, measure)
)

select
    fiscal_year,
    drug_id,
    measure,
    case when null_reason is null then hhi end as hhi,
    case when null_reason is null then 1 / hhi end as effective_areas,
    case when null_reason is null then leading_area_id end as leading_area_id,
    case when null_reason is null then leading_share end as leading_share,
    cast(total as double) as total,
    cast(area_count as integer) as area_count,
    cast(months as integer) as months,
    null_reason,
    is_event_break,
    is_fytd,
    vintage
from reasoned
