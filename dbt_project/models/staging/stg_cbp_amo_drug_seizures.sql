{{ config(alias='cbp_amo_drug_seizures') }}
select * from {{ source('history', 'cbp_amo_drug_seizures') }}
