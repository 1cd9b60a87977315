{#-
Number of 2 mg doses that the fentanyl seized nationwide (OFO plus USBP) could have made. It is a range, never a point,
because the files do not say what was powder and what was pills. All pills is one end, all powder the other. The naive
figure takes the weight for pure fentanyl; it is shown so that readers recognize it, and must not be used. Parameters
count from the day of their publication, and only a whole year has doses.
-#}
with years as (
    select
        fiscal_year,
        count(distinct month) as months,
        cast({{ kg("sum(cast(quantity_lb as decimal(18, 6)))") }} as double) as quantity_kg,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from {{ ref('seizures_monthly') }}
    where drug_id = 'fentanyl'
    group by fiscal_year
),

known as (
    select * from {{ ref('dose_parameters') }}
    where published <= {{ as_of() }}
),

counted as (
    select
        years.*,
        known.* exclude (fiscal_year),
        case when years.months = 12 then years.quantity_kg end as year_kg
    from years
    left join known using (fiscal_year)
),

doses as (
    select
        *,
        year_kg * powder_purity * 1000000 / dose_mg as powder_doses,
        year_kg * 1000000 / tablet_mg * pill_mg / dose_mg as pill_doses,
        year_kg * 1000000 / dose_mg as naive_doses
    from counted
)

select
    fiscal_year,
    quantity_kg,
    least(powder_doses, pill_doses) as low_doses,
    greatest(powder_doses, pill_doses) as high_doses,
    powder_doses,
    pill_doses,
    naive_doses,
    case when months < 12 then 'year_incomplete' when dose_mg is null then 'no_parameters' end as null_reason,
    powder_purity,
    tablet_mg,
    pill_mg,
    dose_mg,
    citation,
    published as parameters_published,
    cast(months as integer) as months,
    is_fytd,
    vintage
from doses
