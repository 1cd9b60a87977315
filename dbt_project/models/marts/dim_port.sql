{# Every port of the list, and any port that the crossings have beyond it, so that no crossing lacks its port. #}
with seen as (
    select distinct port_code from {{ ref('stg_bts_border_crossings') }}
)

select
    coalesce(listed.port_code, seen.port_code) as port_code,
    coalesce(listed.name, 'Unlisted port ' || seen.port_code) as name,
    listed.state_id,
    listed.border,
    listed.corridor_id,
    listed.latitude,
    listed.longitude,
    listed.opened_date,
    listed.closed_date,
    coalesce(listed.note, case when listed.port_code is null then 'Not in the list of ports yet.' end) as note
from {{ ref('ports') }} as listed
full join seen on listed.port_code = seen.port_code
