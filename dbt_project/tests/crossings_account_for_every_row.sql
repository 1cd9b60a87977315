{{ config(meta={'dagster': {'ref': {'name': 'border_crossings_monthly'}}}) }}
{{ account(
    ref('border_crossings_monthly'), 'true',
    ref('stg_bts_border_crossings'), "change <> 'withdrawn'",
    ['crossings']
) }}
