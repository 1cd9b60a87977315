{#-
Shares of drugs in the events of a corridor over twelve months, and the distance of that mix from the mix of the twelve
months before. The two share no month. Hellinger distance: sqrt(1 - sum of sqrt(p q)), 0 for equal mixes, 1 for mixes
without a drug in common; rounding can leave the sum slightly above 1.
-#}
with series as (
    select
        month,
        scope_id as corridor_id,
        drug_id,
        cast(events as decimal(18, 0)) as events,
        is_event_break,
        is_fytd,
        vintage,
        oldest_vintage,
        newest_figure
    from {{ ref('int_seizure_series') }}
    where scope = 'corridor' and measure = 'events' and drug_id in {{ mix_drugs() }}
),

windowed as (
    select
        month,
        corridor_id,
        drug_id,
        {{ whole_sum("events", "last_12", 12, 0) }} as events_12,
        bool_or(is_event_break) over last_12 as is_event_break,
        bool_or(is_fytd) over last_12 as is_fytd,
        max(vintage) over last_12 as vintage,
        min(oldest_vintage) over last_12 as oldest_vintage,
        max(newest_figure) over last_12 as newest_figure
    from series
    window last_12 as (partition by corridor_id, drug_id order by month {{ last_months(12) }})
),

totalled as (
    select
        * replace (
            min(oldest_vintage) over of_window as oldest_vintage,
            max(newest_figure) over of_window as newest_figure
        ),
        case
            when count(events_12) over of_window = 4 then sum(events_12) over of_window
        end as total_12
    from windowed
    window of_window as (partition by corridor_id, month)
),

shared as (
    select
        *,
        case
            when total_12 is null then 'missing_month'
            when total_12 < 10 then 'few_events'
        end as null_reason,
        case when total_12 >= 10 then cast(events_12 as double) / cast(total_12 as double) end as share
    from totalled
),

compared as (
    select
        now.*,
        before.share as share_before,
        case
            when now.null_reason is not null then now.null_reason
            when before.share is null then coalesce(before.null_reason, 'missing_month') || '_before'
            when {{ no_common_vintage("before.oldest_vintage", "now.newest_figure") }} then 'no_common_vintage'
        end as change_null_reason
    from shared as now
    left join shared as before
        on
            now.corridor_id = before.corridor_id
            and now.drug_id = before.drug_id
            and now.month = before.month + interval 12 months
),

distances as (
    select
        corridor_id,
        month,
        sqrt(greatest(0, 1 - sum(sqrt(share * share_before) order by drug_id))) as hellinger
    from compared
    group by corridor_id, month
    having count(*) filter (where change_null_reason is null) = 4
)

select
    compared.month,
    compared.corridor_id,
    compared.drug_id,
    cast(compared.events_12 as bigint) as events_12,
    cast(compared.total_12 as bigint) as total_12,
    compared.share,
    compared.share_before,
    case when compared.change_null_reason is null then compared.share - compared.share_before end as share_change,
    distances.hellinger,
    compared.null_reason,
    compared.change_null_reason,
    compared.is_event_break,
    compared.is_fytd,
    compared.vintage
from compared
left join distances using (corridor_id, month)
