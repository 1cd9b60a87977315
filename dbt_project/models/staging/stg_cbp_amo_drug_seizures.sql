{{ config(alias='cbp_amo_drug_seizures', meta={'subject': 'seizures'}) }}
-- Written by: make docs, from the table files (*.table.yml) and pipelines/sources. Edit those, not this.
select * from {{ source('history', 'cbp_amo_drug_seizures') }}
