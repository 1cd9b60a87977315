{#-
A range, never a point: what the seized weight would be if all of it were powder of the year's purity, and if all of
it were pills of the year's content. A year without cited parameters has no doses.
-#}
with years as (
    select
        fiscal_year,
        {{ kg("cast(sum(pounds) as double)") }} as quantity_kg,
        bool_or(is_fytd) as is_fytd,
        max(vintage) as vintage
    from {{ ref('int_seizures_fiscal_year') }}
    where drug_id = 'fentanyl'
    group by fiscal_year
),

dosed as (
    select
        years.*,
        parameters.* exclude (fiscal_year),
        quantity_kg * 1e6 * powder_purity_percent / 100 / lethal_dose_mg as powder_doses,
        quantity_kg * 1e6 / tablet_mg * pill_fentanyl_mg / lethal_dose_mg as pill_doses,
        quantity_kg * 1e6 / lethal_dose_mg as naive_doses
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
    powder_purity_percent,
    tablet_mg,
    pill_fentanyl_mg,
    lethal_dose_mg,
    citation,
    case when citation is null then 'no_parameters' end as no_doses_reason,
    is_fytd,
    vintage
from dosed
