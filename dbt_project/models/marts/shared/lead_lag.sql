{#- Correlation of fentanyl seized nationwide with T40.4 deaths by lag, with trends and without trends. -#}
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
    'lead_lag_shared_trend' as caution,
    'final' as deaths_basis,
    (
        select max(series.vintage)
        from {{ ref('int_seizure_series') }} as series
        where series.scope = 'national' and series.drug_id = 'fentanyl' and series.measure = 'quantity_lb'
    ) as vintage,
    (
        select max(deaths.vintage)
        from {{ ref('int_deaths_published') }} as deaths
        where
            deaths.jurisdiction_id = 'US'
            and deaths.indicator_id = 'synthetic_opioids_t404'
            and deaths.basis = 'final'
    ) as deaths_vintage
from {{ ref('int_lead_lag') }}
