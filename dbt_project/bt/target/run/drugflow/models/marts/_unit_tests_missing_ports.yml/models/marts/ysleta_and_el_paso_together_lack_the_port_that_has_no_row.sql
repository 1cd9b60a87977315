
    -- Build actual result given inputs
with dbt_internal_unit_test_actual as (
  select
    "month","scope","scope_id","measure_id","value","rolling_12","yoy_12","null_reason","ports_reporting","ports_missing","missing_share_12","is_partial","is_suspect","is_suspect_12","vintage", 'actual' as "actual_or_expected"
  from (
    with  __dbt__cte__border_crossings_monthly as (
select
    '2402' as port_code, cast(month as date) as month, 'trucks' as measure_id, cast(50 as bigint) as crossings,
    month = date '2023-07-01' as is_partial, false as is_suspect, date '2024-04-01' as vintage
from generate_series(date '2022-07-01', date '2023-07-01', interval 1 month) as months(month)
),  __dbt__cte__int_crossing_gaps as (

-- Fixture for int_crossing_gaps
select 
    
    cast('2401' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2022-07-01' as DATE)
 as "month", 
    
    cast(50 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2401' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2023-07-01' as DATE)
 as "month", 
    
    cast(50 as DECIMAL(18,3))
 as "usual_crossings"
),  __dbt__cte__dim_port as (

-- Fixture for dim_port
select 
    
    cast('2401' as character varying)
 as "port_code", cast(null as character varying(256)) as "name", cast(null as character varying(256)) as "state_id", 
    
    cast('us_mexico' as character varying)
 as "border", 
    
    cast(null as character varying(256))
 as "corridor_id", cast(null as DOUBLE) as "latitude", cast(null as DOUBLE) as "longitude", cast(null as DATE) as "opened_date", cast(null as DATE) as "closed_date", cast(null as character varying(256)) as "note"
union all
select 
    
    cast('2402' as character varying)
 as "port_code", cast(null as character varying(256)) as "name", cast(null as character varying(256)) as "state_id", 
    
    cast('us_mexico' as character varying)
 as "border", 
    
    cast(null as character varying(256))
 as "corridor_id", cast(null as DOUBLE) as "latitude", cast(null as DOUBLE) as "longitude", cast(null as DATE) as "opened_date", cast(null as DATE) as "closed_date", cast(null as character varying(256)) as "note"
), published as (
    select
        month,
        measure_id,
        port_code,
        crossings,
        cast(null as decimal(18, 3)) as missing_crossings,
        is_partial,
        is_suspect,
        vintage
    from __dbt__cte__border_crossings_monthly
    union all by name
    select
        month,
        measure_id,
        port_code,
        usual_crossings as missing_crossings
    from __dbt__cte__int_crossing_gaps
),

facts as (
    select
        published.*,
        ports.border,
        ports.corridor_id
    from published
    inner join __dbt__cte__dim_port as ports using (port_code)
),

scoped as (
    select
        'port' as scope,
        port_code as scope_id,
        *
    from facts
    union all
    select
        'port' as scope,
        '2401+2402' as scope_id,
        *
    from facts
    where port_code in ('2401', '2402')
    union all
    select
        'corridor' as scope,
        corridor_id as scope_id,
        *
    from facts
    where corridor_id is not null
    union all
    select
        'border' as scope,
        border as scope_id,
        *
    from facts
),

series as (
    select
        month,
        scope,
        scope_id,
        measure_id,
        cast(sum(crossings) as bigint) as crossings,
        count(crossings) as ports_reporting,
        count(*) - count(crossings) as ports_missing,
        coalesce(sum(missing_crossings), 0) as missing_crossings,
        bool_or(is_partial) as is_partial,
        bool_or(is_suspect) as is_suspect,
        max(vintage) as vintage
    from scoped
    group by month, scope, scope_id, measure_id
    having count(crossings) > 0
),

rolled as (
    select
        *,
        coalesce(lag(month, 11) over in_order = month - interval 11 months, false) as is_whole,
        coalesce(lag(month, 12) over in_order = month - interval 12 months, false) as has_year_before,
        bool_or(is_partial) over last_12 as has_partial,
        bool_or(is_suspect) over last_12 as is_suspect_12,
        sum(crossings) over last_12 as crossings_12,
        sum(missing_crossings) over last_12 as missing_12
    from series
    window
        in_order as (partition by scope, scope_id, measure_id order by month),
        last_12 as (
            partition by scope, scope_id, measure_id order by month
            rows between 11 preceding and current row
        )
),

reasoned as (
    select
        * exclude (crossings_12, missing_12),
        case when is_whole then coalesce(cast(missing_12 as double) / nullif(missing_12 + crossings_12, 0), 0) end as missing_share_12,
        case
            when not is_whole then 'missing_month'
            when has_partial then 'partial_month'
            when missing_share_12 >= 0.01 then 'missing_port'
            when scope_id = '2402' and month between date '2020-03-01' and date '2021-01-01' then 'series_break'
        end as null_reason,
        case when null_reason is null then cast(crossings_12 as bigint) end as rolling_12
    from rolled
),

compared as (
    select
        *,
        case when has_year_before then lag(rolling_12, 12) over in_order end as rolling_12_before,
        case when has_year_before then lag(is_suspect_12, 12) over in_order end as is_suspect_before
    from reasoned
    window in_order as (partition by scope, scope_id, measure_id order by month)
)

select
    month,
    scope,
    scope_id,
    measure_id,
    crossings as value,
    rolling_12,
    case
        when
            rolling_12_before > 0
            and not (scope_id = '2402' and month between date '2020-03-01' and date '2022-01-01')
            then cast(rolling_12 - rolling_12_before as double) / rolling_12_before
    end as yoy_12,
    null_reason,
    cast(ports_reporting as integer) as ports_reporting,
    cast(ports_missing as integer) as ports_missing,
    missing_share_12,
    is_partial,
    is_suspect,
    is_suspect_12 or coalesce(is_suspect_before, false) as is_suspect_12,
    vintage
from compared
  ) _dbt_internal_unit_test_actual
),
-- Build expected result
dbt_internal_unit_test_expected as (
  select
    "month", "scope", "scope_id", "measure_id", "value", "rolling_12", "yoy_12", "null_reason", "ports_reporting", "ports_missing", "missing_share_12", "is_partial", "is_suspect", "is_suspect_12", "vintage", 'expected' as "actual_or_expected"
  from (
    select
    cast(month as date) as month, scope, scope_id, 'trucks' as measure_id, 50 as value,
    case when scope_id = '2402' and month = date '2023-06-01' then 600 end as rolling_12,
    case
        when month < date '2023-06-01' then 'missing_month'
        when month = date '2023-07-01' then 'partial_month'
        when scope_id <> '2402' then 'missing_port'
    end as null_reason,
    case
        when month < date '2023-06-01' then null
        when scope_id <> '2402' then 50 / 650
        else 0
    end as missing_share_12,
    case when scope_id <> '2402' and month in (date '2022-07-01', date '2023-07-01') then 1 else 0 end
        as ports_missing,
    1 as ports_reporting, cast(null as double) as yoy_12, month = date '2023-07-01' as is_partial,
    false as is_suspect, false as is_suspect_12, date '2024-04-01' as vintage
from generate_series(date '2022-07-01', date '2023-07-01', interval 1 month) as months(month)
cross join (values ('port', '2402'), ('port', '2401+2402'), ('border', 'us_mexico')) as series(scope, scope_id)
  ) _dbt_internal_unit_test_expected
)
-- Union actual and expected results
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected