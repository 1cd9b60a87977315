{#-
Mean longitude of Southwest Border seizures, OFO plus USBP, both land filters, weighted by events and by weight.
An area is placed at the mean of its ports, so the figure moves with the shares of areas, never within an area.
-#}
with placed as (
    select
        facts.month,
        facts.drug_id,
        {{ is_event_break("facts") }} as is_event_break,
        facts.is_fytd,
        facts.vintage,
        facts.events,
        cast(facts.quantity_lb as decimal(18, 6)) as pounds,
        cast(areas.longitude as decimal(9, 4)) as longitude
    from {{ ref('seizures_monthly') }} as facts
    inner join {{ ref('int_area_longitude') }} as areas using (area_id)
    where facts.region = 'southwest'
),

summed as (
    select
        month,
        drug_id,
        sum(events) as events,
        sum(pounds) as pounds,
        sum(events * longitude) as events_degrees,
        sum(cast(pounds * longitude as decimal(38, 10))) as pound_degrees,
        bool_or(is_event_break) as is_event_break,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from placed
    group by month, drug_id
)

select
    month,
    drug_id,
    cast(events as bigint) as events,
    cast({{ kg("pounds") }} as double) as quantity_kg,
    case when events > 0 then cast(events_degrees as double) / cast(events as double) end as longitude_by_events,
    case when pounds > 0 then cast(pound_degrees as double) / cast(pounds as double) end as longitude_by_weight,
    case when events = 0 then 'no_seizures' when pounds = 0 then 'no_weight' end as null_reason,
    is_event_break,
    is_fytd,
    vintage
from summed
