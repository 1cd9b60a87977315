{{ seizures(
    ref('stg_cbp_amo_drug_seizures'), ref('stg_coverage'), ref('int_amo_drugs'), 'cbp_amo_drug_seizures',
    ['branch', 'region', 'land_filter'], as_of()
) }}
