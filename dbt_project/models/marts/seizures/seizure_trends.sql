{#-
Rolling sums need every month of their window, and growth compares sums twelve months apart. Growth is null if a month
is missing, if the base has fewer than ten events, or if no single vintage has all figures of both sums. Fiscal year to
date is compared only with the same months of earlier fiscal years.
-#}
with series as (
    select
        *,
        {{ fiscal_year("month") }} as fiscal_year,
        {{ fiscal_month("month") }} as fiscal_month
    from {{ ref('int_seizure_series') }}
),

rolled as (
    select
        *,
        case when count(*) over last_3 = 3 then sum(cast(value as decimal(24, 8))) over last_3 end as rolling_3,
        case when count(*) over last_12 = 12 then sum(cast(value as decimal(24, 8))) over last_12 end as rolling_12,
        sum(events) over last_3 as events_3,
        sum(events) over last_12 as events_12,
        min(oldest_vintage) over last_3 as oldest_vintage_3,
        min(oldest_vintage) over last_12 as oldest_vintage_12,
        max(newest_figure) over last_3 as newest_figure_3,
        max(newest_figure) over last_12 as newest_figure_12,
        case
            when count(*) over this_year = fiscal_month then sum(cast(value as decimal(24, 8))) over this_year
        end as fytd
    from series
    window
        last_3 as (
            partition by scope, scope_id, drug_id, measure order by month
            range between interval 2 months preceding and current row
        ),
        last_12 as (
            partition by scope, scope_id, drug_id, measure order by month
            range between interval 11 months preceding and current row
        ),
        this_year as (partition by scope, scope_id, drug_id, measure, fiscal_year order by month)
),

compared as (
    select
        now.*,
        before_1.fytd as fytd_prior_1,
        before_2.fytd as fytd_prior_2,
        before_3.fytd as fytd_prior_3,
        before_1.rolling_3 as rolling_3_before,
        before_1.rolling_12 as rolling_12_before,
        {{ growth_null_reason("now", "before_1", 3) }} as yoy_3_null_reason,
        {{ growth_null_reason("now", "before_1", 12) }} as yoy_12_null_reason
    from rolled as now
    {% for years in [1, 2, 3] %}
        left join rolled as before_{{ years }}
            on
                now.scope = before_{{ years }}.scope
                and now.scope_id = before_{{ years }}.scope_id
                and now.drug_id = before_{{ years }}.drug_id
                and now.measure = before_{{ years }}.measure
                and now.month = before_{{ years }}.month + interval {{ years * 12 }} months
    {% endfor %}
)

select
    compared.month,
    compared.scope,
    compared.scope_id,
    compared.drug_id,
    compared.measure,
    compared.value,
    cast(compared.rolling_3 as double) as rolling_3,
    cast(compared.rolling_12 as double) as rolling_12,
    case
        when compared.yoy_3_null_reason is null
            then (compared.rolling_3 - compared.rolling_3_before) / compared.rolling_3_before
    end as yoy_3,
    case
        when compared.yoy_12_null_reason is null
            then (compared.rolling_12 - compared.rolling_12_before) / compared.rolling_12_before
    end as yoy_12,
    compared.yoy_3_null_reason,
    compared.yoy_12_null_reason,
    seasonality.seasonal,
    seasonality.trend,
    seasonality.seasonal_strength,
    compared.fiscal_year,
    compared.fiscal_month,
    cast(compared.fytd as double) as fytd,
    cast(compared.fytd_prior_1 as double) as fytd_prior_1,
    cast(compared.fytd_prior_2 as double) as fytd_prior_2,
    cast(compared.fytd_prior_3 as double) as fytd_prior_3,
    compared.is_event_break,
    compared.is_fytd,
    compared.vintage
from compared
left join {{ ref('int_seizure_seasonality') }} as seasonality
    using (month, scope, scope_id, drug_id, measure)
