{#-
How many doses of 2 mg the fentanyl seized nationwide (OFO plus USBP) could have made: a range, never a point, because
the files do not say what was powder and what was pills. All pills is one end, all powder the other. The naive figure
takes the weight for pure fentanyl; it is here to be recognized, not to be used.
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

counted as (
    select
        years.*,
        parameters.* exclude (fiscal_year),
        years.quantity_kg * parameters.powder_purity * 1000000 / parameters.dose_mg as powder_doses,
        years.quantity_kg * 1000000 / parameters.tablet_mg * parameters.pill_mg / parameters.dose_mg as pill_doses,
        years.quantity_kg * 1000000 / parameters.dose_mg as naive_doses
    from years
    left join {{ ref('dose_parameters') }} as parameters using (fiscal_year)
)

select
    fiscal_year,
    quantity_kg,
    least(powder_doses, pill_doses) as low_doses,
    greatest(powder_doses, pill_doses) as high_doses,
    powder_doses,
    pill_doses,
    naive_doses,
    case when dose_mg is null then 'no_parameters' end as null_reason,
    powder_purity,
    tablet_mg,
    pill_mg,
    dose_mg,
    citation,
    cast(months as integer) as months,
    is_fytd,
    vintage
from counted
