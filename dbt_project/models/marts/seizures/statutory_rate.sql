{#-
The measure that the Department of Homeland Security must report by law for its ports: the amount that OFO seized in a
fiscal year, divided by the mean of the five previous years. A year with fewer than twelve months, or without five whole
previous years, has no rate.
-#}
with years as (
    select
        fiscal_year,
        drug_id,
        count(distinct month) as months,
        cast({{ kg("sum(cast(quantity_lb as decimal(18, 6)))") }} as double) as quantity_kg,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage,
        min(vintage) as oldest_vintage
    from {{ ref('seizures_monthly') }}
    where component = 'OFO'
    group by fiscal_year, drug_id
),

compared as (
    select
        *,
        count(*) filter (where months = 12) over before as years_before,
        avg(quantity_kg) filter (where months = 12) over before as mean_before,
        least(oldest_vintage, min(oldest_vintage) over before) as oldest_vintage_used
    from years
    window before as (partition by drug_id order by fiscal_year range between 5 preceding and 1 preceding)
),

reasoned as (
    select
        *,
        case
            when months < 12 then 'year_incomplete'
            when years_before < 5 then 'fewer_than_five_years'
            when mean_before = 0 then 'no_seizures'
        end as null_reason
    from compared
)

select
    fiscal_year,
    drug_id,
    quantity_kg,
    case when years_before = 5 then mean_before end as mean_prior_5_kg,
    case when null_reason is null then quantity_kg / mean_before end as rate,
    null_reason,
    cast(months as integer) as months,
    cast(years_before as integer) as years_before,
    is_fytd,
    vintage,
    oldest_vintage_used as oldest_vintage
from reasoned
