{#-
Mean longitude of the Southwest Border's seizures in a month, weighted by weight and by events. An area stands at the
mean longitude of its ports. Weights are rounded before, or traces would move the mean; products are added as DECIMAL, so that two builds are equal.
-#}
with places as (
    select
        area_ports.area_id,
        cast(sum(cast(ports.longitude as decimal(9, 6))) as double) / count(*) as longitude
    from {{ ref('area_ports') }} as area_ports
    inner join {{ ref('dim_port') }} as ports using (port_code)
    group by area_ports.area_id
),

placed as (
    select
        seizures.month,
        seizures.drug_id,
        seizures.events,
        cast(seizures.quantity_lb as decimal(18, 6)) as pounds,
        cast(places.longitude * seizures.events as decimal(24, 8)) as events_east,
        cast(places.longitude * cast(seizures.quantity_lb as decimal(18, 6)) as decimal(24, 8)) as pounds_east,
        seizures.is_fytd,
        seizures.vintage
    from {{ ref('seizures_monthly') }} as seizures
    left join places using (area_id)
    where seizures.region = 'southwest'
)

select
    month,
    drug_id,
    cast(sum(pounds_east) as double) / nullif(cast(sum(pounds) as double), 0) as longitude_by_weight,
    cast(sum(events_east) as double) / nullif(sum(events), 0) as longitude_by_events,
    {{ kg("cast(sum(pounds) as double)") }} as quantity_kg,
    cast(sum(events) as bigint) as events,
    bool_or(is_fytd) as is_fytd,
    max(vintage) as vintage
from placed
group by month, drug_id
