{#-
Every listed port, and any other port of the crossings, so every crossing has its port. An unlisted port gets the border
and corridor of its district (the first two of four digits). It is then in their sums from its first vintage on. Without
it, the border would be too low and nobody would notice.
-#}
with seen as (
    select distinct port_code from {{ ref('stg_bts_border_crossings') }}
),

districts as (
    select
        left(port_code, 2) as district,
        case when count(distinct border) = 1 then min(border) end as border,
        case when count(distinct corridor_id) = 1 then min(corridor_id) end as corridor_id
    from {{ ref('ports') }}
    group by all
)

select
    coalesce(listed.port_code, seen.port_code) as port_code,
    coalesce(listed.name, 'Unlisted port ' || seen.port_code) as name,
    listed.state_id,
    case when listed.port_code is null then districts.border else listed.border end as border,
    case when listed.port_code is null then districts.corridor_id else listed.corridor_id end as corridor_id,
    listed.latitude,
    listed.longitude,
    listed.opened_date,
    listed.closed_date,
    case
        when listed.port_code is not null then listed.note
        when districts.border is null then 'Not in the list of ports yet, nor its district: in no sum over a border.'
        else 'Not in the list of ports yet: border and corridor are those of its district.'
    end as note
from {{ ref('ports') }} as listed
full join seen on listed.port_code = seen.port_code
left join districts on left(seen.port_code, 2) = districts.district
