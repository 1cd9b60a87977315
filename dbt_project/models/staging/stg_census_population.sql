{{ config(alias='census_population') }}
select * from {{ source('history', 'census_population') }}
