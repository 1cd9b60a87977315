{#-
Months in which a port has no row of a measure that it published before and after, and the crossings that are usual
there: the mean over the twelve months on either side that the file reaches. An absent month counts as nothing, so a port
that seldom reports has little weight. This is not a published figure. It measures what a sum lacks and is never added to
a sum. If a port reported until just before the two newest months, its figures may still come. If it stopped earlier, it
has closed or its state is unknown.
-#}
with facts as (
    select
        port_code,
        measure_id,
        month,
        crossings
    from {{ ref('border_crossings_monthly') }}
),

file as (
    select
        min(month) as first_month,
        max(month) as newest_month
    from facts
),

spans as (
    select
        facts.port_code,
        facts.measure_id,
        min(facts.month) as first_month,
        case
            when max(facts.month) >= any_value(file.newest_month) - interval 2 months then any_value(file.newest_month)
            else max(facts.month)
        end as last_month
    from facts
    cross join file
    group by facts.port_code, facts.measure_id
    having count(*) <= date_diff('month', min(facts.month), last_month)
),

expected as (
    select
        port_code,
        measure_id,
        cast(unnest(generate_series(first_month, last_month, interval 1 month)) as date) as month
    from spans
),

gaps as (
    select expected.*
    from expected
    anti join facts using (port_code, measure_id, month)
)

select
    gaps.port_code,
    gaps.measure_id,
    gaps.month,
    -- DECIMAL makes sums over ports independent of their order.
    cast(
        coalesce(sum(facts.crossings), 0) / (
            least(12, date_diff('month', any_value(file.first_month), gaps.month))
            + least(12, date_diff('month', gaps.month, any_value(file.newest_month)))
        ) as decimal(18, 3)
    ) as usual_crossings
from gaps
cross join file
left join facts
    on
        gaps.port_code = facts.port_code
        and gaps.measure_id = facts.measure_id
        and facts.month between gaps.month - interval 12 months and gaps.month + interval 12 months
group by gaps.port_code, gaps.measure_id, gaps.month
