
    -- Build actual result given inputs
with dbt_internal_unit_test_actual as (
  select
    "month","scope_id","crossings","ports_missing","missing_crossings", 'actual' as "actual_or_expected"
  from (
    with  __dbt__cte__border_crossings_monthly as (

-- Fixture for border_crossings_monthly
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast('personal_vehicles' as character varying)
 as "measure_id", 
    
    cast(100 as BIGINT)
 as "crossings", cast(null as BOOLEAN) as "is_resolved_duplicate", 
    
    cast(False as BOOLEAN)
 as "is_partial", 
    
    cast(False as BOOLEAN)
 as "is_suspect", cast(null as character varying(256)) as "source_id", 
    
    cast('2024-06-01' as DATE)
 as "vintage", cast(null as DATE) as "first_vintage"
union all
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast('pedestrians' as character varying)
 as "measure_id", 
    
    cast(20 as BIGINT)
 as "crossings", cast(null as BOOLEAN) as "is_resolved_duplicate", 
    
    cast(False as BOOLEAN)
 as "is_partial", 
    
    cast(False as BOOLEAN)
 as "is_suspect", cast(null as character varying(256)) as "source_id", 
    
    cast('2024-06-01' as DATE)
 as "vintage", cast(null as DATE) as "first_vintage"
union all
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast(3 as BIGINT)
 as "crossings", cast(null as BOOLEAN) as "is_resolved_duplicate", 
    
    cast(False as BOOLEAN)
 as "is_partial", 
    
    cast(False as BOOLEAN)
 as "is_suspect", cast(null as character varying(256)) as "source_id", 
    
    cast('2024-06-01' as DATE)
 as "vintage", cast(null as DATE) as "first_vintage"
union all
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('2024-05-01' as DATE)
 as "month", 
    
    cast('personal_vehicles' as character varying)
 as "measure_id", 
    
    cast(100 as BIGINT)
 as "crossings", cast(null as BOOLEAN) as "is_resolved_duplicate", 
    
    cast(False as BOOLEAN)
 as "is_partial", 
    
    cast(False as BOOLEAN)
 as "is_suspect", cast(null as character varying(256)) as "source_id", 
    
    cast('2024-06-01' as DATE)
 as "vintage", cast(null as DATE) as "first_vintage"
union all
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('2024-05-01' as DATE)
 as "month", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast(3 as BIGINT)
 as "crossings", cast(null as BOOLEAN) as "is_resolved_duplicate", 
    
    cast(False as BOOLEAN)
 as "is_partial", 
    
    cast(False as BOOLEAN)
 as "is_suspect", cast(null as character varying(256)) as "source_id", 
    
    cast('2024-06-01' as DATE)
 as "vintage", cast(null as DATE) as "first_vintage"
),  __dbt__cte__int_crossing_gaps as (

-- Fixture for int_crossing_gaps
select 
    
    cast('2603' as character varying)
 as "port_code", 
    
    cast('personal_vehicles' as character varying)
 as "measure_id", 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast(7.5 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2603' as character varying)
 as "port_code", 
    
    cast('pedestrians' as character varying)
 as "measure_id", 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast(0.25 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2603' as character varying)
 as "port_code", 
    
    cast('personal_vehicle_passengers' as character varying)
 as "measure_id", 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast(99 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('0101' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast(99 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('pedestrians' as character varying)
 as "measure_id", 
    
    cast('2024-05-01' as DATE)
 as "month", 
    
    cast(20 as DECIMAL(18,3))
 as "usual_crossings"
union all
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('pedestrians' as character varying)
 as "measure_id", 
    
    cast('2024-06-01' as DATE)
 as "month", 
    
    cast(20 as DECIMAL(18,3))
 as "usual_crossings"
),  __dbt__cte__dim_port as (

-- Fixture for dim_port
select 
    
    cast('2603' as character varying)
 as "port_code", cast(null as character varying(256)) as "name", cast(null as character varying(256)) as "state_id", cast(null as character varying(256)) as "border", 
    
    cast('tucson' as character varying)
 as "corridor_id", cast(null as DOUBLE) as "latitude", cast(null as DOUBLE) as "longitude", cast(null as DATE) as "opened_date", cast(null as DATE) as "closed_date", cast(null as character varying(256)) as "note"
union all
select 
    
    cast('2604' as character varying)
 as "port_code", cast(null as character varying(256)) as "name", cast(null as character varying(256)) as "state_id", cast(null as character varying(256)) as "border", 
    
    cast('tucson' as character varying)
 as "corridor_id", cast(null as DOUBLE) as "latitude", cast(null as DOUBLE) as "longitude", cast(null as DATE) as "opened_date", cast(null as DATE) as "closed_date", cast(null as character varying(256)) as "note"
union all
select 
    
    cast('0101' as character varying)
 as "port_code", cast(null as character varying(256)) as "name", cast(null as character varying(256)) as "state_id", cast(null as character varying(256)) as "border", 
    
    cast(null as character varying(256))
 as "corridor_id", cast(null as DOUBLE) as "latitude", cast(null as DOUBLE) as "longitude", cast(null as DATE) as "opened_date", cast(null as DATE) as "closed_date", cast(null as character varying(256)) as "note"
), facts as (
    select
        port_code,
        month,
        measure_id,
        crossings,
        cast(null as decimal(18, 3)) as missing_crossings,
        is_partial,
        is_suspect,
        vintage
    from __dbt__cte__border_crossings_monthly
    union all by name
    select
        port_code,
        month,
        measure_id,
        usual_crossings as missing_crossings
    from __dbt__cte__int_crossing_gaps
),

placed as (
    select
        ports.corridor_id,
        facts.*
    from facts
    inner join __dbt__cte__dim_port as ports using (port_code)
    where
        ports.corridor_id is not null
        and facts.measure_id in ('personal_vehicles', 'pedestrians', 'trucks')
),

scoped as (
    select
        corridor_id as scope_id,
        3 as expected,
        *
    from placed
    union all
    select
        'all' as scope_id,
        12 as expected,
        *
    from placed
)

select
    month,
    scope_id,
    case
        when
            count(distinct corridor_id || measure_id) filter (where crossings is not null) = max(expected)
            and not bool_or(is_partial)
            then cast(sum(crossings) as bigint)
    end as crossings,
    cast(count(distinct port_code) filter (where crossings is null) as integer) as ports_missing,
    coalesce(sum(missing_crossings), 0) as missing_crossings,
    bool_or(is_suspect) as is_suspect,
    max(vintage) as vintage
from scoped
group by month, scope_id
having count(crossings) > 0
  ) _dbt_internal_unit_test_actual
),
-- Build expected result
dbt_internal_unit_test_expected as (
  select
    "month", "scope_id", "crossings", "ports_missing", "missing_crossings", 'expected' as "actual_or_expected"
  from (
    select 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast('tucson' as character varying)
 as "scope_id", 
    
    cast(123 as BIGINT)
 as "crossings", 
    
    cast(1 as INTEGER)
 as "ports_missing", 
    
    cast(7.75 as DECIMAL(38,3))
 as "missing_crossings"
union all
select 
    
    cast('2024-04-01' as DATE)
 as "month", 
    
    cast('all' as character varying)
 as "scope_id", 
    
    cast(null as BIGINT)
 as "crossings", 
    
    cast(1 as INTEGER)
 as "ports_missing", 
    
    cast(7.75 as DECIMAL(38,3))
 as "missing_crossings"
union all
select 
    
    cast('2024-05-01' as DATE)
 as "month", 
    
    cast('tucson' as character varying)
 as "scope_id", 
    
    cast(null as BIGINT)
 as "crossings", 
    
    cast(1 as INTEGER)
 as "ports_missing", 
    
    cast(20 as DECIMAL(38,3))
 as "missing_crossings"
union all
select 
    
    cast('2024-05-01' as DATE)
 as "month", 
    
    cast('all' as character varying)
 as "scope_id", 
    
    cast(null as BIGINT)
 as "crossings", 
    
    cast(1 as INTEGER)
 as "ports_missing", 
    
    cast(20 as DECIMAL(38,3))
 as "missing_crossings"
  ) _dbt_internal_unit_test_expected
)
-- Union actual and expected results
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected