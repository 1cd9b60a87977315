select
    corridor_id,
    name,
    cast(position as integer) as position,
    field_office,
    string_split(sectors, '|') as sectors,
    string_split(us_states, '|') as us_states,
    string_split(mx_states, '|') as mx_states,
    source
from {{ ref('corridors') }}
