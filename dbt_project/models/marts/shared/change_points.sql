{#- Joinpoints of each series: at most three and, except for states, at most four, side by side. -#}
with series as (
    select
        series_id,
        any_value(measure) as measure,
        any_value(place_id) as place_id,
        any_value(topic_id) as topic_id,
        bool_or(is_open) as is_open,
        max(vintage) as vintage
    from {{ ref('int_change_point_series') }}
    group by series_id
)

select
    points.series_id,
    points.k_max,
    points.joinpoint,
    series.measure,
    series.place_id,
    series.topic_id,
    points.month,
    points.apc_before,
    points.apc_before_lower,
    points.apc_before_upper,
    points.apc_after,
    points.apc_after_lower,
    points.apc_after_upper,
    points.confirmed_by,
    points.is_at_spacing_limit,
    points.k,
    points.bic,
    points.residual_lag1,
    points.pelt_cost,
    points.pelt_penalty,
    points.first_month,
    points.last_month,
    points.months,
    points.no_estimate_reason,
    case when series.measure = 'deaths' then 'final' end as deaths_basis,
    series.is_open,
    'joinpoint_limits_too_narrow' as caution,
    series.vintage
from {{ ref('int_change_points') }} as points
inner join series using (series_id)
