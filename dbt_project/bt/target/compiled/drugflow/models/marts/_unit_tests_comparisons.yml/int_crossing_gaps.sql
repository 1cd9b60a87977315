
-- Fixture for int_crossing_gaps
select 
    
    cast('2604' as character varying)
 as "port_code", 
    
    cast('trucks' as character varying)
 as "measure_id", 
    
    cast('2022-07-01' as DATE)
 as "month", 
    
    cast(10 as DECIMAL(18,3))
 as "usual_crossings"