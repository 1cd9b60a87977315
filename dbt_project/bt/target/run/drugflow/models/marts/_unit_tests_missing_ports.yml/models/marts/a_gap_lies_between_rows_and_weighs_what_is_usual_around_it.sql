
    -- Build actual result given inputs
with dbt_internal_unit_test_actual as (
  select
    "port_code","measure_id","month","usual_crossings", 'actual' as "actual_or_expected"
  from (
    with  __dbt__cte__border_crossings_monthly as (
with months as (
    select cast(month as date) as month
    from generate_series(date '2022-01-01', date '2024-12-01', interval 1 month) as months(month)
)

select '2604' as port_code, 'trucks' as measure_id, month, cast(240 as bigint) as crossings
from months where month <> date '2023-06-01'
union all
select '2608', 'trucks', month, 70 from months where month between date '2023-01-01' and date '2024-09-01'
union all
select '2603', 'trucks', month, 130 from months where month between date '2023-01-01' and date '2024-10-01'
union all
select '2606', 'trucks', date '2022-06-01', 36
union all
select '2606', 'trucks', date '2022-08-01', 60
), facts as (
    select
        port_code,
        measure_id,
        month,
        crossings
    from __dbt__cte__border_crossings_monthly
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
    -- Decimal, so that sums over ports do not depend on their order.
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
  ) _dbt_internal_unit_test_actual
),
-- Build expected result
dbt_internal_unit_test_expected as (
  select
    "port_code", "measure_id", "month", "usual_crossings", 'expected' as "actual_or_expected"
  from (
    select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2023-06-01' as DATE)
 as "month", 
    
    cast(240 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2606' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2022-07-01' as DATE)
 as "month", 
    
    cast(5.333 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2603' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2024-11-01' as DATE)
 as "month", 
    
    cast(120 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2603' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2024-12-01' as DATE)
 as "month", 
    
    cast(119.167 as DECIMAL(18,3))
 as "usual_crossings"
  ) _dbt_internal_unit_test_expected
)
-- Union actual and expected results
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected