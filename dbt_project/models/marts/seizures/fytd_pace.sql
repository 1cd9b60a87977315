{#-
Total of every fiscal year after as many months as the newest year has. While the newest year is open, it is projected
with the ratios of each earlier whole year: the median of the ratios, with the smallest and the largest as a band. With
fewer than ten events to date, now or in a base year, there is no projection, because 0 would stay 0.
-#}
with monthly as (
    select
        scope,
        drug_id,
        measure,
        {{ fiscal_year("month") }} as fiscal_year,
        {{ fiscal_month("month") }} as fiscal_month,
        cast(value as decimal(24, 8)) as value,
        cast(events as decimal(18, 0)) as events,
        is_event_break,
        is_fytd,
        vintage
    from {{ ref('int_seizure_series') }}
    where scope in ('national', 'southwest')
),

newest as (
    select
        fiscal_year as open_year,
        max(fiscal_month) as elapsed
    from monthly
    group by fiscal_year
    order by fiscal_year desc
    limit 1
),

years as (
    select
        monthly.fiscal_year,
        monthly.scope,
        monthly.drug_id,
        monthly.measure,
        newest.open_year,
        newest.elapsed,
        count(*) as months,
        count(*) filter (where monthly.fiscal_month <= newest.elapsed) as months_to_date,
        sum(monthly.value) filter (where monthly.fiscal_month <= newest.elapsed) as sum_to_date,
        sum(monthly.events) filter (where monthly.fiscal_month <= newest.elapsed) as events_to_date,
        sum(monthly.value) as sum_of_year,
        bool_or(monthly.is_event_break) as is_event_break,
        bool_or(monthly.is_fytd) as is_fytd,
        max(monthly.vintage) as vintage
    from monthly
    cross join newest
    group by all
),

whole as (
    select
        *,
        case when months_to_date = elapsed then cast(sum_to_date as double) end as to_date,
        case when months = 12 then cast(sum_of_year as double) end as full_year
    from years
),

ratios as (
    select
        scope,
        drug_id,
        measure,
        count(nullif(to_date, 0)) as base_years,
        min(events_to_date) as least_events,
        min(full_year / nullif(to_date, 0)) as ratio_low,
        median(full_year / nullif(to_date, 0)) as ratio,
        max(full_year / nullif(to_date, 0)) as ratio_high
    from whole
    where fiscal_year < open_year and full_year is not null and to_date is not null
    group by scope, drug_id, measure
),

reasoned as (
    select
        whole.*,
        ratios.* exclude (scope, drug_id, measure),
        case
            when whole.months = 12 then 'year_complete'
            when whole.fiscal_year < whole.open_year then 'missing_month'
            when whole.to_date is null then 'missing_month'
            when least(whole.events_to_date, ratios.least_events) < 10 then 'few_events'
            when coalesce(ratios.base_years, 0) < 3 then 'fewer_than_three_years'
        end as null_reason
    from whole
    left join ratios using (scope, drug_id, measure)
)

select
    fiscal_year,
    scope,
    drug_id,
    measure,
    elapsed as months_elapsed,
    to_date,
    full_year,
    case when full_year > 0 then to_date / full_year end as share_to_date,
    case when null_reason is null then to_date * ratio end as projected,
    case when null_reason is null then to_date * ratio_low end as projected_low,
    case when null_reason is null then to_date * ratio_high end as projected_high,
    case when null_reason is null then cast(base_years as integer) end as base_years,
    null_reason,
    is_event_break,
    is_fytd,
    vintage
from reasoned
