{#-
Seizures by fiscal year, component, region, area and drug, both land filters, with the months that the year has so
far. Pounds are added as DECIMAL, so that two builds are equal.
-#}
select
    fiscal_year,
    component,
    region,
    area_id,
    drug_id,
    {{ fiscal_month("month") }} as fiscal_month,
    sum(events) as events,
    sum(cast(quantity_lb as decimal(18, 6))) as pounds,
    bool_or(is_fytd) as is_fytd,
    max(vintage) as vintage
from {{ ref('seizures_monthly') }}
group by fiscal_year, component, region, area_id, drug_id, fiscal_month
