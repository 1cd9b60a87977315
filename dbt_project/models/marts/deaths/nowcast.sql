{#-
The newest months as reported, completed by what earlier vintages lacked at the same age. The publisher's own prediction is
beside it; the nowcast does not replace it.
-#}
select
    nowcast.jurisdiction_id,
    nowcast.month_ending,
    nowcast.indicator_id,
    nowcast.lag,
    cast(nowcast.reported as bigint) as deaths_reported,
    nowcast.nowcast,
    nowcast.lower,
    nowcast.upper,
    cast(said.predicted as bigint) as deaths_predicted,
    nowcast.releases,
    nowcast.no_estimate_reason,
    nowcast.release as vintage
from {{ ref('int_nowcast') }} as nowcast
inner join {{ ref('int_vsrr_releases') }} as said
    using (jurisdiction_id, indicator_id, month_ending, release)
