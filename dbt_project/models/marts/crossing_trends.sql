{#-
Crossings of a port, a corridor and a border, measures never summed. Ysleta was counted in El Paso until February
2020: the series 2401+2402 has both, and a sum of El Paso alone that reaches over that month is no sum of one thing.
-#}
with facts as (
    select
        crossings.month,
        crossings.measure_id,
        crossings.port_code,
        crossings.crossings,
        crossings.is_partial,
        crossings.is_suspect,
        crossings.vintage,
        ports.border,
        ports.corridor_id
    from {{ ref('border_crossings_monthly') }} as crossings
    inner join {{ ref('dim_port') }} as ports using (port_code)
),

scoped as (
    select
        'port' as scope,
        port_code as scope_id,
        *
    from facts
    union all
    select
        'port' as scope,
        '2401+2402' as scope_id,
        *
    from facts
    where port_code in ('2401', '2402')
    union all
    select
        'corridor' as scope,
        corridor_id as scope_id,
        *
    from facts
    where corridor_id is not null
    union all
    select
        'border' as scope,
        border as scope_id,
        *
    from facts
),

series as (
    select
        month,
        scope,
        scope_id,
        measure_id,
        cast(sum(crossings) as bigint) as crossings,
        count(*) as ports_reporting,
        bool_or(is_partial) as is_partial,
        bool_or(is_suspect) as is_suspect,
        max(vintage) as vintage
    from scoped
    group by month, scope, scope_id, measure_id
),

rolled as (
    select
        *,
        count(*) over last_12 as months_there,
        bool_or(is_partial) over last_12 as has_partial,
        bool_or(is_suspect) over last_12 as is_suspect_12,
        scope_id = '2402' and month between date '2020-03-01' and date '2021-01-01' as is_split,
        sum(crossings) over last_12 as crossings_12
    from series
    window last_12 as (
        partition by scope, scope_id, measure_id order by month {{ last_months(12) }}
    )
),

reasoned as (
    select
        * exclude (crossings_12),
        case
            when months_there < 12 then 'missing_month'
            when has_partial then 'partial_month'
            when is_split then 'series_break'
        end as null_reason,
        case when months_there = 12 and not has_partial and not is_split then cast(crossings_12 as bigint) end
            as rolling_12
    from rolled
)

select
    now.month,
    now.scope,
    now.scope_id,
    now.measure_id,
    now.crossings as value,
    now.rolling_12,
    case
        when
            before.rolling_12 > 0
            and not (now.scope_id = '2402' and now.month between date '2020-03-01' and date '2022-01-01')
            then cast(now.rolling_12 - before.rolling_12 as double) / before.rolling_12
    end as yoy_12,
    now.null_reason,
    cast(now.ports_reporting as integer) as ports_reporting,
    now.is_partial,
    now.is_suspect,
    coalesce(now.is_suspect_12 or before.is_suspect_12, now.is_suspect_12) as is_suspect_12,
    now.vintage
from reasoned as now
left join reasoned as before
    on
        now.scope = before.scope
        and now.scope_id = before.scope_id
        and now.measure_id = before.measure_id
        and now.month = before.month + interval 12 months
