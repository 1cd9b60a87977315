{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'dim_port'}}}) }}
-- An unlisted port has no name, place or state, and its border is a guess from its district.
select
    ports.port_code,
    ports.border
from {{ ref('dim_port') }} as ports
anti join {{ ref('ports') }} as listed on ports.port_code = listed.port_code
