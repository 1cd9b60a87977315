select
    jurisdiction_id,
    fips,
    inegi,
    name_en,
    name_es,
    country
from {{ ref('jurisdictions') }}
