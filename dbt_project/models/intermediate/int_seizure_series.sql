{#-
One monthly series per scope, drug and measure. Sums use DECIMAL, so two builds are equal.
Scopes overlap, so national, southwest and component totals, corridors and areas are never added. oldest_vintage is the
oldest of the vintages that the figures come from, newest_figure the day on which the last of them was first published.
-#}
with facts as (
    select
        seizures.*,
        cast(seizures.quantity_lb as decimal(18, 6)) as pounds,
        areas.corridor_id,
        {{ is_event_break("seizures") }} as is_event_break
    from {{ ref('seizures_monthly') }} as seizures
    left join {{ ref('dim_area') }} as areas using (area_id)
),

scoped as (
    select
        'national' as scope,
        'US' as scope_id,
        *
    from facts
    union all
    select
        'southwest' as scope,
        'southwest' as scope_id,
        *
    from facts
    where region = 'southwest'
    union all
    select
        'component' as scope,
        component as scope_id,
        *
    from facts
    union all
    select
        'corridor' as scope,
        corridor_id as scope_id,
        *
    from facts
    where corridor_id is not null
    union all
    select
        'area' as scope,
        area_id as scope_id,
        *
    from facts
),

summed as (
    select
        month,
        scope,
        scope_id,
        drug_id,
        cast(sum(events) as double) as events,
        cast(sum(pounds) as double) as quantity_lb,
        bool_or(is_event_break) as is_event_break,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage,
        min(vintage) as oldest_vintage,
        max(first_vintage) as newest_figure
    from scoped
    group by month, scope, scope_id, drug_id
),

measured as (
    select
        month,
        scope,
        scope_id,
        drug_id,
        is_fytd,
        vintage,
        oldest_vintage,
        newest_figure,
        events,
        quantity_lb,
        {{ kg("quantity_lb") }} as quantity_kg
    from summed
),

unpivoted as (
    unpivot measured on events, quantity_lb, quantity_kg into name measure value value
)

select
    unpivoted.month,
    unpivoted.scope,
    unpivoted.scope_id,
    unpivoted.drug_id,
    unpivoted.measure,
    unpivoted.value,
    summed.events,
    unpivoted.measure = 'events' and summed.is_event_break as is_event_break,
    unpivoted.is_fytd,
    unpivoted.vintage,
    unpivoted.oldest_vintage,
    unpivoted.newest_figure
from unpivoted
inner join summed using (month, scope, scope_id, drug_id)
