{{ config(alias='cdc_vsrr_overdose') }}
select * from {{ source('history', 'cdc_vsrr_overdose') }}
