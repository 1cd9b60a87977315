{{ config(alias='census_population', meta={'subject': 'deaths'}) }}
-- Written by: make docs, from the table files (*.table.yml) and pipelines/sources. Edit those, not this.
select * from {{ source('history', 'census_population') }}
