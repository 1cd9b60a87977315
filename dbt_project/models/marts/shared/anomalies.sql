{#- Each month of each series, compared with the value expected from the months before. -#}
select
    found.series_id,
    found.month,
    series.measure,
    series.place_id,
    series.topic_id,
    found.observed,
    found.expected,
    found.z,
    found.p,
    found.p_adjusted,
    found.level_by_z,
    found.level,
    found.method,
    found.no_estimate_reason,
    case when series.measure = 'deaths' then 'final' end as deaths_basis,
    series.is_event_break,
    series.is_open,
    series.vintage
from {{ ref('int_anomalies') }} as found
inner join {{ ref('int_anomaly_series') }} as series using (series_id, month)
