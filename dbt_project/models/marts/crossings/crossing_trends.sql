{#-
Crossings of a port, a corridor and a border; measures are never added. A sum is null if the ports without a row usually
have too much of it. The published figures of the month stay as they are. Ysleta was counted in El Paso until February
2020. The series 2401+2402 has both; a sum of El Paso alone across that month would mix two things. Windows count rows,
which is faster than a range of dates: twelve rows are twelve months if the first is eleven months ago.
-#}
with published as (
    select
        month,
        measure_id,
        port_code,
        crossings,
        cast(null as decimal(18, 3)) as missing_crossings,
        is_partial,
        is_suspect,
        vintage
    from {{ ref('border_crossings_monthly') }}
    union all by name
    select
        month,
        measure_id,
        port_code,
        usual_crossings as missing_crossings
    from {{ ref('int_crossing_gaps') }}
),

facts as (
    select
        published.*,
        ports.border,
        ports.corridor_id
    from published
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
    where border is not null
),

series as (
    select
        month,
        scope,
        scope_id,
        measure_id,
        cast(sum(crossings) as bigint) as crossings,
        count(crossings) as ports_reporting,
        count(*) - count(crossings) as ports_missing,
        coalesce(sum(missing_crossings), 0) as missing_crossings,
        bool_or(is_partial) as is_partial,
        bool_or(is_suspect) as is_suspect,
        max(vintage) as vintage
    from scoped
    group by month, scope, scope_id, measure_id
    having count(crossings) > 0
),

rolled as (
    select
        *,
        coalesce(lag(month, 11) over in_order = month - interval 11 months, false) as is_whole,
        coalesce(lag(month, 12) over in_order = month - interval 12 months, false) as has_year_before,
        bool_or(is_partial) over last_12 as has_partial,
        bool_or(is_suspect) over last_12 as is_suspect_12,
        sum(crossings) over last_12 as crossings_12,
        sum(missing_crossings) over last_12 as missing_12
    from series
    window
        in_order as (partition by scope, scope_id, measure_id order by month),
        last_12 as (
            partition by scope, scope_id, measure_id order by month
            rows between 11 preceding and current row
        )
),

reasoned as (
    select
        * exclude (crossings_12, missing_12),
        case when is_whole then {{ missing_share("missing_12", "crossings_12") }} end as missing_share_12,
        case
            when not is_whole then 'missing_month'
            when has_partial then 'partial_month'
            when missing_share_12 >= {{ missing_share_limit() }} then 'missing_port'
            when scope_id = '2402' and month between date '2020-03-01' and date '2021-01-01' then 'series_break'
        end as null_reason,
        case when null_reason is null then cast(crossings_12 as bigint) end as rolling_12
    from rolled
),

compared as (
    select
        *,
        case when has_year_before then lag(rolling_12, 12) over in_order end as rolling_12_before,
        case when has_year_before then lag(vintage, 12) over in_order end as vintage_before,
        case when has_year_before then lag(is_suspect_12, 12) over in_order end as is_suspect_before,
        case when has_year_before then lag(null_reason, 12) over in_order else 'missing_month' end as reason_before,
        case
            when rolling_12 is null then null_reason
            when rolling_12_before is null then reason_before || '_before'
            when rolling_12_before = 0 then 'zero_base'
            when scope_id = '2402' and month between date '2020-03-01' and date '2022-01-01' then 'series_break'
            when vintage_before <> vintage then 'no_common_vintage'
        end as yoy_null_reason
    from reasoned
    window in_order as (partition by scope, scope_id, measure_id order by month)
)

select
    month,
    scope,
    scope_id,
    measure_id,
    crossings as value,
    rolling_12,
    case
        when yoy_null_reason is null then cast(rolling_12 - rolling_12_before as double) / rolling_12_before
    end as yoy_12,
    null_reason,
    yoy_null_reason,
    cast(ports_reporting as integer) as ports_reporting,
    cast(ports_missing as integer) as ports_missing,
    missing_share_12,
    is_partial,
    is_suspect,
    is_suspect_12 or coalesce(is_suspect_before, false) as is_suspect_12,
    vintage
from compared
