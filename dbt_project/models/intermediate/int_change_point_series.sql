{#-
The series in which changes are looked for: final monthly deaths wherever there are any, and fentanyl seized at the
Southwest Border and in its corridors. Deaths of states keep their suppressed months, which end a series.
-#}
with deaths as (
    select
        concat_ws('/', 'deaths', jurisdiction_id, indicator_id) as series_id,
        'deaths' as measure,
        jurisdiction_id as place_id,
        indicator_id as topic_id,
        month,
        cast(deaths as double) as value,
        false as is_open,
        vintage
    from {{ ref('int_deaths_published') }}
    where basis = 'final'
),

seizures as (
    select
        concat_ws('/', measure, scope_id, drug_id) as series_id,
        measure,
        scope_id as place_id,
        drug_id as topic_id,
        month,
        value,
        is_fytd as is_open,
        vintage
    from {{ ref('int_seizure_series') }}
    where
        scope in ('southwest', 'corridor')
        and drug_id = 'fentanyl'
        and measure in ('events', 'quantity_kg')
)

select * from deaths
union all
select * from seizures
