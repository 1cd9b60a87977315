{#-
One longitude for each Southwest Border area, the mean of its ports. A field office has the ports of its corridor, and a
sector the ports within it. Places with the same coordinates count once, and no figure is typed in.
-#}
with members as (
    select
        areas.area_id,
        ports.port_code
    from {{ ref('dim_area') }} as areas
    inner join {{ ref('dim_port') }} as ports using (corridor_id)
    where areas.component = 'OFO' and areas.region = 'southwest'
    union all
    select
        area_id,
        port_code
    from {{ ref('sector_ports') }}
),

places as (
    select distinct
        members.area_id,
        ports.latitude,
        ports.longitude
    from members
    inner join {{ ref('dim_port') }} as ports using (port_code)
    where ports.longitude is not null
)

select
    area_id,
    cast(avg(cast(longitude as decimal(9, 4))) as double) as longitude
from places
group by area_id
