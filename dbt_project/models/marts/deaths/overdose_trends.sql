{#-
Crude rates of deaths of twelve months, with the population of the year of the middle of the window. Fewer than ten
deaths are suppressed here, and fewer than twenty are unreliable. Limits are exact Poisson below 100 deaths and normal
from 100 on. VSRR has no ages, so no rate is age-adjusted. A change has no figure if the two years compared include
months that will never be complete.
-#}
with bases as (
    select
        jurisdiction_id,
        month_ending,
        indicator_id,
        is_provisional,
        vintage,
        'reported' as basis,
        deaths_reported as deaths,
        missing_reason
    from {{ ref('overdose_deaths_12mo') }}
    where indicator_id <> 'all_deaths'
    union all
    select
        jurisdiction_id,
        month_ending,
        indicator_id,
        is_provisional,
        vintage,
        'predicted' as basis,
        deaths_predicted as deaths,
        predicted_missing_reason as missing_reason
    from {{ ref('overdose_deaths_12mo') }}
    where indicator_id <> 'all_deaths'
),

shown as (
    select
        * replace (
            case when deaths >= 10 then deaths end as deaths,
            case when deaths < 10 then 'suppressed' else missing_reason end as missing_reason
        ),
        cast(year(month_ending - interval 5 months) as integer) as middle_year,
        {{ touches_break(
            'bases.jurisdiction_id', 'bases.indicator_id', 'bases.month_ending - interval 23 months', 'bases.month_ending'
        ) }} as is_break_affected
    from bases
),

available as (
    select
        jurisdiction_id,
        min(year) as first_year,
        max(year) as last_year
    from {{ ref('population_yearly') }}
    group by jurisdiction_id
),

peopled as (
    select
        shown.*,
        population.population,
        population.year as population_year,
        population.series as population_series,
        shown.middle_year <> population.year as is_population_carried
    from shown
    left join available using (jurisdiction_id)
    left join {{ ref('population_yearly') }} as population
        on
            shown.jurisdiction_id = population.jurisdiction_id
            and population.year = greatest(least(shown.middle_year, available.last_year), available.first_year)
),

rated as (
    select
        peopled.*,
        peopled.deaths * 100000 / peopled.population as rate_per_100k,
        case
            when peopled.deaths < 100 then limits.lower
            else peopled.deaths - 1.96 * sqrt(peopled.deaths)
        end as deaths_lower,
        case
            when peopled.deaths < 100 then limits.upper
            else peopled.deaths + 1.96 * sqrt(peopled.deaths)
        end as deaths_upper
    from peopled
    left join {{ ref('int_poisson_limits') }} as limits using (deaths)
)

select
    now.jurisdiction_id,
    now.month_ending,
    now.indicator_id,
    now.basis,
    now.deaths,
    now.missing_reason,
    now.population,
    now.population_year,
    now.population_series,
    now.is_population_carried,
    now.rate_per_100k,
    now.deaths_lower * 100000 / now.population as rate_lower,
    now.deaths_upper * 100000 / now.population as rate_upper,
    now.deaths < 20 as is_unreliable,
    now.is_provisional,
    case
        when now.deaths is null then 'no_deaths'
        when before.deaths is null then 'no_deaths_before'
        when before.deaths < 20 then 'few_deaths'
        when before.vintage <> now.vintage then 'no_common_vintage'
        when now.is_break_affected then 'series_break'
    end as yoy_null_reason,
    case when yoy_null_reason is null then cast(now.deaths - before.deaths as double) / before.deaths end as yoy_12,
    now.is_break_affected,
    now.vintage
from rated as now
left join rated as before
    on
        now.jurisdiction_id = before.jurisdiction_id
        and now.indicator_id = before.indicator_id
        and now.basis = before.basis
        and now.month_ending = before.month_ending + interval 12 months
