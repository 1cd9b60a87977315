{#-
Herfindahl-Hirschman index of seizures over the fixed set of 13 Southwest Border areas: the sum of squared shares.
Squares are added as DECIMAL, so that two builds are equal. Both land filters.
-#}
with areas as (
    select
        fiscal_year,
        area_id,
        drug_id,
        cast(sum(events) as double) as events,
        cast(sum(pounds) as double) as pounds,
        count(distinct fiscal_month) as months,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from {{ ref('int_seizures_fiscal_year') }}
    where region = 'southwest'
    group by fiscal_year, area_id, drug_id
),

measured as (
    select
        * exclude (events, pounds),
        events,
        {{ kg("pounds") }} as quantity_kg
    from areas
),

unpivoted as (
    unpivot measured on events, quantity_kg into name measure value amount
),

shared as (
    select
        *,
        amount / nullif(sum(amount) over (partition by fiscal_year, drug_id, measure), 0) as share
    from unpivoted
),

summed as (
    select
        fiscal_year,
        drug_id,
        measure,
        cast(max(months) as integer) as months,
        cast(count(*) as integer) as areas,
        cast(sum(cast(share * share as decimal(20, 18))) as double) as hhi,
        arg_max(area_id, share) as leading_area_id,
        max(share) as leading_share,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from shared
    group by fiscal_year, drug_id, measure
)

select
    fiscal_year,
    drug_id,
    measure,
    months,
    areas,
    hhi,
    1 / hhi as effective_number,
    case when hhi is not null then leading_area_id end as leading_area_id,
    leading_share,
    is_fytd,
    vintage
from summed
