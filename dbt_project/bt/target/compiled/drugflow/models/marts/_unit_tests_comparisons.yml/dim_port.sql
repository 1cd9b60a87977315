
-- Fixture for dim_port
select 
    
    cast('2604' as character varying)
 as "port_code", cast(null as character varying(256)) as "name", cast(null as character varying(256)) as "state_id", 
    
    cast('us_mexico' as character varying)
 as "border", 
    
    cast(null as character varying(256))
 as "corridor_id", cast(null as DOUBLE) as "latitude", cast(null as DOUBLE) as "longitude", cast(null as DATE) as "opened_date", cast(null as DATE) as "closed_date", cast(null as character varying(256)) as "note"