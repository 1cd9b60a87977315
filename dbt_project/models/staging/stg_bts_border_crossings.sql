{{ config(alias='bts_border_crossings') }}
select * from {{ source('history', 'bts_border_crossings') }}
