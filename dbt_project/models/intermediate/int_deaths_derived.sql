{#-
Deaths of one month from totals of twelve months: x(t) = H(t) - H(t-1) + F(t-12), with H as reported in one vintage
and F the final count of the same month a year before, never our own figure. Without such an anchor there is no row.
A negative result is not a count and is missing as negative. A result below ten is suppressed like any other count.
The newest twelve months of a vintage still grow, and months of a known break will always lack deaths. They have no band,
and are not used for one.

The band is twice the largest error, upwards or downwards, of the newest 24 months that had a final count a year before the
month. It does not use errors of the month itself or its neighbours. Errors drift with the speed at which records arrive,
so a band of past percentiles missed most of 2024. docs/methods.md compares the choices.
-#}
with newest as (
    select
        vintage,
        max(month_ending) as month
    from {{ ref('overdose_deaths_12mo') }}
    group by vintage
),

totals as (
    select
        now.jurisdiction_id,
        now.month_ending as month,
        now.indicator_id,
        now.deaths_reported - before.deaths_reported as change,
        coalesce(now.missing_reason, before.missing_reason, 'not_reported') as reason,
        now.source_id,
        now.vintage,
        now.month_ending + interval 12 months <= newest.month as is_settled,
        coalesce(now.is_provisional or before.is_provisional, false) as is_underreported,
        greatest(now.first_vintage, before.first_vintage) as first_vintage
    from {{ ref('overdose_deaths_12mo') }} as now
    inner join newest on now.vintage = newest.vintage
    left join {{ ref('overdose_deaths_12mo') }} as before
        on
            now.jurisdiction_id = before.jurisdiction_id
            and now.indicator_id = before.indicator_id
            and now.month_ending = before.month_ending + interval 1 month
            and now.vintage = before.vintage
),

final_counts as (
    select
        jurisdiction_id,
        month,
        indicator_id,
        deaths,
        vintage,
        first_vintage
    from {{ ref('int_deaths_published') }}
    where basis = 'final' and deaths is not null
),

derived as (
    select
        totals.*,
        totals.change + anchors.deaths as deaths,
        anchors.vintage as anchor_vintage,
        anchors.first_vintage as anchor_first_vintage,
        {{ touches_break('totals.jurisdiction_id', 'totals.indicator_id', 'totals.month', 'totals.month') }}
        or {{ touches_break('totals.jurisdiction_id', 'totals.indicator_id', 'anchors.month', 'anchors.month') }}
            as is_break_affected
    from totals
    inner join final_counts as anchors
        on
            totals.jurisdiction_id = anchors.jurisdiction_id
            and totals.indicator_id = anchors.indicator_id
            and totals.month = anchors.month + interval 12 months
),

errors as (
    select
        derived.jurisdiction_id,
        derived.indicator_id,
        derived.month,
        2 * max(abs(final_counts.deaths / derived.deaths - 1)) over newest_months as reach,
        count(*) over newest_months as months
    from derived
    inner join final_counts using (jurisdiction_id, month, indicator_id)
    where derived.deaths >= 10 and derived.is_settled and not derived.is_break_affected
    window newest_months as (
        partition by derived.jurisdiction_id, derived.indicator_id
        order by derived.month
        rows between 23 preceding and current row
    )
),

banded as (
    select
        derived.*,
        case
            when derived.deaths >= 10 and derived.is_settled and not derived.is_break_affected and errors.months = 24
                then errors.reach
        end as reach
    from derived
    asof left join errors
        on
            derived.jurisdiction_id = errors.jurisdiction_id
            and derived.indicator_id = errors.indicator_id
            and derived.month - interval 12 months >= errors.month
)

select
    jurisdiction_id,
    month,
    indicator_id,
    'derived' as basis,
    case when deaths >= 10 then cast(deaths as bigint) end as deaths,
    case when reach > 1 then 0 else deaths * (1 - reach) end as lower,
    deaths * (1 + reach) as upper,
    case
        when deaths is null then reason
        when deaths < 0 then 'negative'
        when deaths < 10 then 'suppressed'
    end as missing_reason,
    false as is_partial,
    is_underreported or not is_settled as is_provisional,
    is_break_affected,
    source_id,
    vintage,
    greatest(coalesce(first_vintage, vintage), anchor_first_vintage) as first_vintage,
    anchor_vintage
from banded
