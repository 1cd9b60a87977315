{#- How complete a figure is when it is published, by its age in months, estimated only from archived vintages. -#}
select
    'cdc_vsrr_overdose' as source_id,
    jurisdiction_id,
    indicator_id,
    lag,
    releases,
    completeness_median,
    completeness_p10,
    completeness_p90,
    case
        when releases = 0 then 'too_few_vintages'
    end as no_estimate_reason
from {{ ref('int_revision_profile') }}
