{{ seizures(
    ref('stg_cbp_drug_seizures'), ref('stg_coverage'), ref('dim_drug'), 'cbp_drug_seizures',
    ['component', 'region', 'land_filter', 'area_id'], as_of()
) }}
