{{ config(alias='cdc_wonder_overdose') }}
select * from {{ source('history', 'cdc_wonder_overdose') }}
