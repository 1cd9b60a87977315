{#-
Months from the oldest year of any source to the last month of the newest fiscal year that a source reaches. The
included series of national deaths also counts as a source, even if no file of deaths was read.
-#}
with reached as (
    select
        first_period,
        last_period
    from {{ ref('stg_coverage') }}
    union all
    select
        min(month) as first_period,
        max(month) as last_period
    from {{ ref('us_t404_final_monthly') }}
),

bounds as (
    select
        date_trunc('year', min(first_period)) as first_month,
        make_date({{ fiscal_year("max(last_period)") }}, 9, 1) as last_month
    from reached
),

months as (
    select cast(unnest(generate_series(first_month, last_month, interval 1 month)) as date) as month
    from bounds
)

select
    month,
    {{ fiscal_year("month") }} as fiscal_year,
    {{ fiscal_month("month") }} as fiscal_month,
    cast(day(last_day(month)) as integer) as days
from months
