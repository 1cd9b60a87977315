{{ config(alias='cdc_wonder_overdose', meta={'subject': 'deaths'}) }}
-- Written by: make docs, from the table files (*.table.yml) and pipelines/sources. Edit those, not this.
select * from {{ source('history', 'cdc_wonder_overdose') }}
