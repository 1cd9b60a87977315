{#-
Monthly series in which a month may stand out: events and kilograms of the four main drugs in each Southwest Border
area, and final deaths of the nation. Totals of twelve months are never used, because neighbours share eleven months.
-#}
with seizures as (
    select
        concat_ws('/', series.measure, series.scope_id, series.drug_id) as series_id,
        concat_ws('/', series.measure, series.drug_id) as family,
        series.measure,
        series.scope_id as place_id,
        series.drug_id as topic_id,
        series.month,
        series.value,
        series.measure = 'events' as is_count,
        series.is_event_break,
        series.is_fytd as is_open,
        series.vintage
    from {{ ref('int_seizure_series') }} as series
    inner join {{ ref('dim_area') }} as areas on series.scope_id = areas.area_id
    where
        series.scope = 'area'
        and areas.region = 'southwest'
        and series.drug_id in ('fentanyl', 'heroin', 'methamphetamine', 'cocaine')
        and series.measure in ('events', 'quantity_kg')
),

deaths as (
    select
        concat_ws('/', 'deaths', jurisdiction_id, indicator_id) as series_id,
        concat_ws('/', 'deaths', indicator_id) as family,
        'deaths' as measure,
        jurisdiction_id as place_id,
        indicator_id as topic_id,
        month,
        cast(deaths as double) as value,
        true as is_count,
        false as is_event_break,
        false as is_open,
        vintage
    from {{ ref('int_deaths_published') }}
    where jurisdiction_id = 'US' and basis = 'final'
)

select * from seizures
union all
select * from deaths
