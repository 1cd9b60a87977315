{#- Correlation of fentanyl seized nationwide and of T40.4 deaths by lag, as it looks and as it is without trends. -#}
select
    lag,
    levels,
    levels_pairs,
    levels_limit,
    differences,
    differences_pairs,
    differences_limit,
    prewhitened,
    prewhitened_pairs,
    prewhitened_limit,
    first_month,
    last_month,
    months,
    no_estimate_reason,
    'lead_lag_shared_trend' as caution
from {{ ref('int_lead_lag') }}
