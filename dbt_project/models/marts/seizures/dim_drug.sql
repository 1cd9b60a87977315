select
    drug_id,
    name_en,
    name_es,
    drug_class
from {{ ref('drugs') }}
