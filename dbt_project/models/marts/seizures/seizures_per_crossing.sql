{#-
OFO seizures of the Southwest Border, both land filters, per crossing of the same ports, by federal fiscal year and by
rolling twelve months. Both sides need all twelve months; otherwise there is a reason instead of a rate. month is the
last month of a row, also in an open year.
-#}
with seizures as (
    select
        facts.month,
        facts.fiscal_year,
        areas.corridor_id,
        facts.drug_id,
        facts.events,
        cast(facts.quantity_lb as decimal(18, 6)) as pounds,
        {{ is_event_break("facts") }} as is_event_break,
        facts.is_fytd,
        facts.vintage
    from {{ ref('seizures_monthly') }} as facts
    inner join {{ ref('dim_area') }} as areas using (area_id)
    where facts.component = 'OFO' and facts.region = 'southwest'
),

scoped as (
    select
        corridor_id as scope_id,
        *
    from seizures
    union all
    select
        'all' as scope_id,
        *
    from seizures
),

monthly as (
    select
        scoped.month,
        scoped.scope_id,
        scoped.drug_id,
        sum(scoped.events) as events,
        sum(scoped.pounds) as pounds,
        bool_or(scoped.is_event_break) as is_event_break,
        bool_or(scoped.is_fytd) as is_fytd,
        max(scoped.vintage) as vintage,
        any_value(crossings.crossings) as crossings,
        any_value(crossings.missing_crossings) as missing_crossings,
        any_value(crossings.is_suspect) as is_suspect,
        any_value(crossings.vintage) as crossings_vintage
    from scoped
    left join {{ ref('int_corridor_crossings') }} as crossings using (month, scope_id)
    group by scoped.month, scoped.scope_id, scoped.drug_id
),

twelve_months as (
    select
        month,
        scope_id,
        drug_id,
        count(*) over last_12 as seizure_months,
        count(crossings) over last_12 as crossing_months,
        sum(events) over last_12 as events,
        sum(pounds) over last_12 as pounds,
        sum(crossings) over last_12 as crossings,
        sum(missing_crossings) over last_12 as missing_crossings,
        bool_or(is_event_break) over last_12 as is_event_break,
        bool_or(is_fytd) over last_12 as is_fytd,
        coalesce(bool_or(is_suspect) over last_12, false) as is_suspect,
        max(vintage) over last_12 as vintage,
        max(crossings_vintage) over last_12 as crossings_vintage,
        {{ fiscal_year("month") }} as fiscal_year
    from monthly
    window last_12 as (partition by scope_id, drug_id order by month {{ last_months(12) }})
),

years as (
    select
        max(month) as month,
        scope_id,
        drug_id,
        count(*) as seizure_months,
        count(crossings) as crossing_months,
        sum(events) as events,
        sum(pounds) as pounds,
        sum(crossings) as crossings,
        sum(missing_crossings) as missing_crossings,
        bool_or(is_event_break) as is_event_break,
        bool_or(is_fytd) as is_fytd,
        coalesce(bool_or(is_suspect), false) as is_suspect,
        max(vintage) as vintage,
        max(crossings_vintage) as crossings_vintage,
        {{ fiscal_year("month") }} as fiscal_year
    from monthly
    group by scope_id, drug_id, {{ fiscal_year("month") }}
),

periods as (
    select
        'fiscal_year' as period,
        *
    from years
    union all by name
    select
        'rolling_12' as period,
        *
    from twelve_months
),

checked as (
    select
        *,
        case
            when seizure_months < 12 then 'seizures_incomplete'
            when crossing_months < 12 then 'crossings_incomplete'
            when crossings = 0 then 'no_crossings'
        end as null_reason,
        case when crossing_months = 12 then {{ missing_share("missing_crossings", "crossings") }} end
            as crossings_missing_share
    from periods
)

select
    period,
    month,
    scope_id,
    drug_id,
    fiscal_year,
    case when seizure_months = 12 then cast(events as bigint) end as events,
    case when seizure_months = 12 then cast({{ kg("pounds") }} as double) end as quantity_kg,
    case when crossing_months = 12 then cast(crossings as bigint) end as crossings,
    cast(seizure_months as integer) as seizure_months,
    cast(crossing_months as integer) as crossing_months,
    crossings_missing_share,
    crossings_missing_share >= {{ missing_share_limit() }} as is_crossings_incomplete,
    case when null_reason is null then cast(events as double) / crossings * 1000000 end as events_per_million,
    case when null_reason is null then cast({{ kg("pounds") }} as double) / crossings * 1000000 end as kg_per_million,
    null_reason,
    is_event_break,
    is_fytd,
    is_suspect,
    vintage,
    crossings_vintage
from checked
