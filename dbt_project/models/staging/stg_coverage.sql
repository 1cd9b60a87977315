{{ config(alias='coverage') }}
select * from {{ source('history', 'coverage') }}
