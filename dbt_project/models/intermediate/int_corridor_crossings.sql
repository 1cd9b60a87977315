{#-
Crossings that a seizure at a port can be set against: personal vehicles, pedestrians and trucks of a corridor's
ports, and of all four corridors. The one sum of measures that counts nobody twice. Null where one of the three has
no row in one of the corridors, or is partial.
-#}
with counted as (
    select
        crossings.month,
        ports.corridor_id,
        crossings.measure_id,
        sum(crossings.crossings) as crossings,
        bool_or(crossings.is_partial) as is_partial,
        bool_or(crossings.is_suspect) as is_suspect,
        max(crossings.vintage) as vintage
    from {{ ref('border_crossings_monthly') }} as crossings
    inner join {{ ref('dim_port') }} as ports using (port_code)
    where
        ports.corridor_id is not null
        and crossings.measure_id in {{ summable_measures() }}
    group by crossings.month, ports.corridor_id, crossings.measure_id
),

scoped as (
    select
        corridor_id as scope_id,
        3 as expected,
        *
    from counted
    union all
    select
        'all' as scope_id,
        12 as expected,
        *
    from counted
)

select
    month,
    scope_id,
    case when count(*) = max(expected) and not bool_or(is_partial) then cast(sum(crossings) as bigint) end
        as crossings,
    bool_or(is_suspect) as is_suspect,
    max(vintage) as vintage
from scoped
group by month, scope_id
