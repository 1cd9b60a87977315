{#-
Figures of a corridor in a month, side by side: fentanyl seized in its areas, crossings at its ports, seizures per
crossing, and the synthetic opioid deaths of its US border states. The table does not say that one column caused another.
Texas borders two corridors, so deaths are never added over corridors.
-#}
with seizures as (
    select
        month,
        scope_id as corridor_id,
        max(value) filter (where measure = 'events') as events,
        max(value) filter (where measure = 'quantity_kg') as quantity_kg,
        bool_or(is_event_break) as is_event_break,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from {{ ref('int_seizure_series') }}
    where scope = 'corridor' and drug_id = 'fentanyl'
    group by month, scope_id
),

states as (
    select
        corridor_id,
        us_states,
        unnest(us_states) as jurisdiction_id
    from {{ ref('dim_corridor') }}
),

deaths as (
    select
        states.corridor_id,
        counts.month_ending as month,
        case
            when count(counts.deaths_reported) < len(any_value(states.us_states)) then 'state_missing'
            when count(distinct counts.vintage) > 1 then 'no_common_vintage'
        end as null_reason,
        cast(case when null_reason is null then sum(counts.deaths_reported) end as bigint) as deaths_12mo,
        bool_or(counts.is_provisional) as is_provisional,
        max(counts.vintage) as vintage
    from states
    inner join {{ ref('overdose_deaths_12mo') }} as counts using (jurisdiction_id)
    where counts.indicator_id = 'synthetic_opioids_t404'
    group by states.corridor_id, counts.month_ending
),

reached as (
    select month from seizures
    union all
    select month from {{ ref('int_corridor_crossings') }}
    union all
    select month from deaths
),

grid as (
    select
        months.month,
        corridors.corridor_id,
        corridors.us_states
    from {{ ref('dim_month') }} as months
    cross join {{ ref('dim_corridor') }} as corridors
    where
        months.month >= (select min(seizures.month) from seizures)
        and months.month <= (select max(reached.month) from reached)
)

select
    grid.month,
    grid.corridor_id,
    cast(seizures.events as bigint) as fentanyl_events,
    seizures.quantity_kg as fentanyl_kg,
    seizures.is_event_break,
    seizures.is_fytd,
    crossings.crossings,
    crossings.ports_missing,
    case
        when crossings.crossings is not null
            then {{ missing_share("crossings.missing_crossings", "crossings.crossings") }}
    end as crossings_missing_share,
    crossings_missing_share >= {{ missing_share_limit() }} as is_crossings_incomplete,
    crossings.is_suspect,
    intensity.events_per_million as events_per_million_12,
    intensity.kg_per_million as kg_per_million_12,
    intensity.crossings_missing_share as crossings_missing_share_12,
    intensity.is_crossings_incomplete as is_crossings_incomplete_12,
    intensity.is_suspect as is_suspect_12,
    intensity.is_event_break as is_event_break_12,
    grid.us_states as deaths_states,
    deaths.deaths_12mo,
    'reported' as deaths_basis,
    deaths.is_provisional as is_deaths_provisional,
    case
        when seizures.month is null then 'seizures_not_published'
        when crossings.crossings is null then 'crossings_not_published'
        when intensity.null_reason is not null then intensity.null_reason
        when deaths.deaths_12mo is null then 'deaths_not_published'
    end as null_reason,
    case when crossings.crossings is null then 'crossings_not_published' end as crossings_null_reason,
    case
        when intensity.month is null then 'seizures_not_published'
        else intensity.null_reason
    end as intensity_null_reason,
    case when deaths.month is null then 'deaths_not_published' else deaths.null_reason end as deaths_null_reason,
    seizures.vintage,
    crossings.vintage as crossings_vintage,
    deaths.vintage as deaths_vintage
from grid
left join seizures using (month, corridor_id)
left join {{ ref('int_corridor_crossings') }} as crossings
    on grid.month = crossings.month and grid.corridor_id = crossings.scope_id
left join {{ ref('seizures_per_crossing') }} as intensity
    on
        grid.month = intensity.month
        and grid.corridor_id = intensity.scope_id
        and intensity.period = 'rolling_12'
        and intensity.drug_id = 'fentanyl'
left join deaths on grid.month = deaths.month and grid.corridor_id = deaths.corridor_id
