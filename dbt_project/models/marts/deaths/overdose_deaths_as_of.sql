{{ config(materialized='table_macro', parameters='d', contract={'enforced': false}) }}
-- depends_on: {{ ref('overdose_deaths_12mo') }}
{{ overdose_deaths('history.cdc_vsrr_overdose', 'history.coverage', 'd') }}
