select
    area_id,
    name,
    component,
    region,
    corridor_id,
    state_allocation,
    list_filter(string_split(coalesce(states, ''), '|'), lambda s: s <> '') as states
from {{ ref('areas') }}
