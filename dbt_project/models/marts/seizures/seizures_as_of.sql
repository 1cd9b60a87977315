{{ config(materialized='table_macro', parameters='d', contract={'enforced': false}) }}
-- depends_on: {{ ref('seizures_monthly') }}
{{ seizures(
    'history.cbp_drug_seizures', 'history.coverage', 'marts.dim_drug', 'cbp_drug_seizures',
    ['component', 'region', 'land_filter', 'area_id'], 'd'
) }}
