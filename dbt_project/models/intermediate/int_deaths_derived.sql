{#-
Deaths in one month out of the totals of twelve: x(t) = H(t) - H(t-1) + F(t-12), with H as reported in one vintage
and F the final count of the same month a year before, never a figure of ours. Without such an anchor there is no
row. A negative result is no count and is missing as low_quality; below ten it is suppressed like any other count.
The newest twelve months of a vintage still grow: they have no band, and teach none.
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
        deaths
    from {{ ref('int_deaths_published') }}
    where basis = 'final' and deaths is not null
),

derived as (
    select
        totals.*,
        totals.change + anchors.deaths as deaths
    from totals
    inner join final_counts as anchors
        on
            totals.jurisdiction_id = anchors.jurisdiction_id
            and totals.indicator_id = anchors.indicator_id
            and totals.month = anchors.month + interval 12 months
),

-- A band needs enough months in which the final count shows how far the derivation was off.
errors as (
    select
        derived.jurisdiction_id,
        derived.indicator_id,
        quantile_cont(final_counts.deaths / derived.deaths, 0.05) as lowest,
        quantile_cont(final_counts.deaths / derived.deaths, 0.95) as highest
    from derived
    inner join final_counts using (jurisdiction_id, month, indicator_id)
    where derived.deaths >= 10 and derived.is_settled
    group by derived.jurisdiction_id, derived.indicator_id
    having count(*) >= 24
)

select
    derived.jurisdiction_id,
    derived.month,
    derived.indicator_id,
    'derived' as basis,
    case when derived.deaths >= 10 then cast(derived.deaths as bigint) end as deaths,
    case when derived.deaths >= 10 and derived.is_settled then derived.deaths * errors.lowest end as lower,
    case when derived.deaths >= 10 and derived.is_settled then derived.deaths * errors.highest end as upper,
    case
        when derived.deaths is null then derived.reason
        when derived.deaths < 0 then 'low_quality'
        when derived.deaths < 10 then 'suppressed'
    end as missing_reason,
    derived.source_id,
    derived.vintage,
    coalesce(derived.first_vintage, derived.vintage) as first_vintage
from derived
left join errors using (jurisdiction_id, indicator_id)
