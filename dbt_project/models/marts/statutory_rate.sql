{#-
The rate that the law asks of the Department of Homeland Security: what OFO seized in a fiscal year over the mean of
the five fiscal years before, nationwide. A year that is not over, or with fewer than five years before it, has none.
-#}
with years as (
    select
        fiscal_year,
        drug_id,
        sum(pounds) as pounds,
        bool_or(is_fytd) or count(distinct fiscal_month) < 12 as is_open,
        max(vintage) as vintage
    from {{ ref('int_seizures_fiscal_year') }}
    where component = 'OFO'
    group by fiscal_year, drug_id
),

compared as (
    select
        *,
        count(*) over five_before as years_before,
        sum(pounds) over five_before as pounds_before
    from years
    window five_before as (
        partition by drug_id order by fiscal_year
        range between 5 preceding and 1 preceding
    )
)

select
    fiscal_year,
    drug_id,
    {{ kg("cast(pounds as double)") }} as quantity_kg,
    cast(years_before as integer) as years_before,
    case when years_before = 5 then {{ kg("cast(pounds_before as double) / 5") }} end as mean_before_kg,
    case
        when not is_open and years_before = 5
            then cast(pounds as double) / nullif(cast(pounds_before as double) / 5, 0)
    end as rate,
    case
        when years_before < 5 then 'too_few_years'
        when is_open then 'open_fiscal_year'
        when pounds_before = 0 then 'nothing_before'
    end as no_rate_reason,
    is_open,
    vintage
from compared
