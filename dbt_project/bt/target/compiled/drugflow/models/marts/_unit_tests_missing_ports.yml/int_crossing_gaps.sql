
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