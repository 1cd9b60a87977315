{{ config(alias='bts_border_crossings', meta={'subject': 'crossings'}) }}
-- Written by: make docs, from the table files (*.table.yml) and pipelines/sources. Edit those, not this.
select * from {{ source('history', 'bts_border_crossings') }}
