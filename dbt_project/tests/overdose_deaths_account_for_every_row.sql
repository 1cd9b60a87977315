{{ config(meta={'dagster': {'ref': {'name': 'overdose_deaths_12mo'}}}) }}
-- A withdrawn figure keeps its row. We compute the whole of New York, and the percent specified is a column.
{{ account(
    ref('overdose_deaths_12mo'), "jurisdiction_id <> 'US-NY'",
    ref('stg_cdc_vsrr_overdose'), "indicator_id <> 'percent_specified'",
    ['deaths_reported', 'deaths_predicted']
) }}
