{#-
Shares of four drugs in the events of twelve months, beside the twelve months before them, which do not overlap. The
Hellinger distance of the two mixes is 0 where they are equal and 1 where they share no drug.
-#}
with windows as (
    select
        month,
        scope,
        scope_id,
        drug_id,
        rolling_12 as events,
        is_fytd,
        vintage
    from {{ ref('seizure_trends') }}
    where
        measure = 'events'
        and scope in ('southwest', 'corridor')
        and drug_id in ('fentanyl', 'heroin', 'methamphetamine', 'cocaine')
        and rolling_12 is not null
),

shared as (
    select
        *,
        sum(events) over (partition by month, scope_id) as all_events
    from windows
),

compared as (
    select
        now.month,
        now.scope_id,
        now.drug_id,
        now.events,
        now.all_events,
        now.is_fytd,
        now.vintage,
        before.all_events as all_events_before,
        case when now.all_events >= 10 then now.events / now.all_events end as share,
        case when before.all_events >= 10 then before.events / before.all_events end as share_before
    from shared as now
    left join shared as before
        on
            now.scope_id = before.scope_id
            and now.drug_id = before.drug_id
            and now.month = before.month + interval 12 months
),

distances as (
    select
        month,
        scope_id,
        sqrt(
            greatest(0, cast(sum(cast(power(sqrt(share) - sqrt(share_before), 2) as decimal(20, 18))) as double)) / 2
        ) as hellinger_distance
    from compared
    where share is not null and share_before is not null
    group by month, scope_id
)

select
    compared.month,
    compared.scope_id,
    compared.drug_id,
    cast(compared.events as bigint) as events,
    compared.share,
    compared.share_before,
    compared.share - compared.share_before as change_in_share,
    distances.hellinger_distance,
    case
        when compared.all_events < 10 or compared.all_events_before < 10 then 'too_few_events'
        when compared.all_events_before is null then 'no_twelve_months_before'
    end as no_comparison_reason,
    compared.is_fytd,
    compared.vintage
from compared
left join distances using (month, scope_id)
