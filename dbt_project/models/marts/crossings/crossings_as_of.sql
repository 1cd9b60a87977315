{{ config(materialized='table_macro', parameters='d', contract={'enforced': false}) }}
-- depends_on: {{ ref('border_crossings_monthly') }}
{{ crossings('history.bts_border_crossings', 'history.coverage', 'd') }}
