{#-
Crossings as a denominator of seizures at ports: personal vehicles, pedestrians and trucks of a corridor's ports, and
of all four corridors. This is the only sum of measures that counts nobody twice. It is null if one of the three has
no row in one of the corridors, or is partial. A port without a row does not change the published sum: ports_missing
counts it, and missing_crossings gives its usual crossings.
-#}
with facts as (
    select
        port_code,
        month,
        measure_id,
        crossings,
        cast(null as decimal(18, 3)) as missing_crossings,
        is_partial,
        is_suspect,
        vintage
    from {{ ref('border_crossings_monthly') }}
    union all by name
    select
        port_code,
        month,
        measure_id,
        usual_crossings as missing_crossings
    from {{ ref('int_crossing_gaps') }}
),

placed as (
    select
        ports.corridor_id,
        facts.*
    from facts
    inner join {{ ref('dim_port') }} as ports using (port_code)
    where
        ports.corridor_id is not null
        and facts.measure_id in {{ summable_measures() }}
),

scoped as (
    select
        corridor_id as scope_id,
        3 as expected,
        *
    from placed
    union all
    select
        'all' as scope_id,
        12 as expected,
        *
    from placed
)

select
    month,
    scope_id,
    case
        when
            count(distinct corridor_id || measure_id) filter (where crossings is not null) = max(expected)
            and not bool_or(is_partial)
            then cast(sum(crossings) as bigint)
    end as crossings,
    cast(count(distinct port_code) filter (where crossings is null) as integer) as ports_missing,
    coalesce(sum(missing_crossings), 0) as missing_crossings,
    bool_or(is_suspect) as is_suspect,
    max(vintage) as vintage
from scoped
group by month, scope_id
having count(crossings) > 0
