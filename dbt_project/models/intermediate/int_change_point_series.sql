{#-
The series that are searched for changes: final monthly deaths wherever they exist, and fentanyl seized at the
Southwest Border and in its corridors. Deaths of states keep their suppressed months, which end a series. Events end
before the month with a new way of counting, because a change in the counting is not a real change.
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
        is_break_affected,
        vintage
    from {{ ref('int_deaths_published') }}
    where basis = 'final'
),

-- The nation's series keep a row without a month if there is no final series (yet).
absent as (
    select
        concat_ws('/', 'deaths', 'US', indicator_id) as series_id,
        'deaths' as measure,
        'US' as place_id,
        indicator_id as topic_id,
        cast(null as date) as month,
        cast(null as double) as value,
        false as is_open,
        false as is_break_affected,
        cast(null as date) as vintage
    from {{ ref('dim_indicator') }}
    where
        indicator_id in ('drug_overdose', 'synthetic_opioids_t404')
        and concat_ws('/', 'deaths', 'US', indicator_id) not in (select deaths.series_id from deaths)
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
        false as is_break_affected,
        vintage
    from {{ ref('int_seizure_series') }}
    where
        scope in ('southwest', 'corridor')
        and drug_id = 'fentanyl'
        and measure in ('events', 'quantity_kg')
        and not is_event_break
)

select * from deaths
union all
select * from absent
union all
select * from seizures
