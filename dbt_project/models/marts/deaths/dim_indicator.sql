select
    indicator_id,
    icd10,
    name_en,
    name_es,
    is_drug_class,
    "overlaps"
from {{ ref('indicators') }}
