{{ config(meta={'dagster': {'ref': {'name': 'seizures_monthly'}}}) }}
{{ account(
    ref('seizures_monthly'), 'not is_filled or events <> 0 or quantity_lb <> 0',
    ref('stg_cbp_drug_seizures'), "change <> 'withdrawn' and " ~ in_whole_months(ref('stg_coverage'), 'cbp_drug_seizures'),
    ['events', 'quantity_lb']
) }}
