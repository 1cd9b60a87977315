{{ config(alias='coverage', meta={'subject': 'shared'}) }}
-- Written by: make docs, from the table files (*.table.yml) and pipelines/sources. Edit those, not this.
select * from {{ source('history', 'coverage') }}
