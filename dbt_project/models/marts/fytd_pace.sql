{#-
The running fiscal year beside the same months of every other one. What the whole running year may come to is what it
has so far times whole year over same months of each closed year; the band is the least and the most of these.
Where no year is open, the newest one is compared over its twelve months and there is nothing to project.
-#}
with scoped as (
    select
        'national' as scope,
        *
    from {{ ref('int_seizures_fiscal_year') }}
    union all
    select
        'southwest' as scope,
        *
    from {{ ref('int_seizures_fiscal_year') }}
    where region = 'southwest'
),

months as (
    select
        scope,
        drug_id,
        fiscal_year,
        fiscal_month,
        cast(sum(events) as double) as events,
        cast(sum(pounds) as double) as quantity_lb,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from scoped
    group by scope, drug_id, fiscal_year, fiscal_month
),

measured as (
    select
        *,
        {{ kg("quantity_lb") }} as quantity_kg
    from months
),

unpivoted as (
    unpivot measured on events, quantity_lb, quantity_kg into name measure value amount
),

newest as (
    select
        max(fiscal_month) as through_fiscal_month
    from unpivoted
    where fiscal_year = (select max(fiscal_year) from unpivoted)
),

years as (
    select
        scope,
        drug_id,
        measure,
        fiscal_year,
        newest.through_fiscal_month,
        count(*) filter (where fiscal_month <= through_fiscal_month) = through_fiscal_month as has_same_months,
        count(*) = 12 and not bool_or(is_fytd) as is_closed,
        cast(
            sum(cast(amount as decimal(24, 8))) filter (where fiscal_month <= through_fiscal_month) as double
        ) as to_date,
        cast(sum(cast(amount as decimal(24, 8))) as double) as whole,
        max(vintage) as vintage
    from unpivoted
    cross join newest
    group by scope, drug_id, measure, fiscal_year, newest.through_fiscal_month
),

ratios as (
    select
        scope,
        drug_id,
        measure,
        min(whole / to_date) as least,
        max(whole / to_date) as most,
        count(*) as closed_years
    from years
    where is_closed and has_same_months and to_date > 0
    group by scope, drug_id, measure
)

select
    years.scope,
    years.drug_id,
    years.measure,
    years.fiscal_year,
    cast(years.through_fiscal_month as integer) as through_fiscal_month,
    case when years.has_same_months then years.to_date end as to_date,
    case when years.is_closed then years.whole end as full_year,
    case when not years.is_closed then years.to_date * ratios.least end as projected_low,
    case when not years.is_closed then years.to_date * ratios.most end as projected_high,
    cast(coalesce(ratios.closed_years, 0) as integer) as closed_years,
    case
        when years.is_closed then 'closed_year'
        when ratios.closed_years is null then 'no_closed_year'
    end as no_projection_reason,
    not years.is_closed as is_open,
    years.vintage
from years
left join ratios using (scope, drug_id, measure)
