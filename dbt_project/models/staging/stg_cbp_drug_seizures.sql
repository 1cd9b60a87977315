{{ config(alias='cbp_drug_seizures') }}
select * from {{ source('history', 'cbp_drug_seizures') }}
