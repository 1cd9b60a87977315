{{ config(meta={'dagster': {'ref': {'name': 'overdose_deaths_monthly'}}}) }}
-- Rows without a count are filled in for the months that a query covers, so only counts must be equal.
{{ account(
    ref('overdose_deaths_monthly'), "source_id = 'cdc_wonder_overdose' and deaths is not null",
    ref('stg_cdc_wonder_overdose'), 'deaths is not null',
    ['deaths']
) }}
