-- The bare script: the newest files to the same three fact tables, and nothing else. No archive, no strictness, no
-- checks, no history, no dictionary: what DuckDB alone needs, as the limit to compare with.
-- Variables: cbp, vsrr, bts (files), set by the caller.
create or replace table seizures_monthly as
with rows as (
    select
        cast(left(FY, 4) as integer) as fiscal_year,
        month(strptime("Month (abbv)", '%b')) as m,
        Component as component, Region as region, "Land Filter" as land_filter, "Area of Responsibility" as area,
        "Drug Type" as drug,
        cast("Count of Event" as bigint) as events,
        cast("Sum Qty (lbs)" as double) as quantity_lb
    from read_csv(getvariable('cbp'), all_varchar = true)
),

dated as (
    select *, make_date(fiscal_year - (m >= 10)::integer, m, 1) as month from rows
),

grid as (
    select months.month, places.*, drugs.drug
    from (select distinct month from dated) as months
    cross join (select distinct component, region, land_filter, area from dated) as places
    cross join (select distinct drug from dated) as drugs
)

select
    month, component, region, land_filter, area, drug,
    coalesce(events, 0) as events,
    coalesce(quantity_lb, 0) as quantity_lb,
    coalesce(quantity_lb, 0) * 0.45359237 as quantity_kg
from grid
left join dated using (month, component, region, land_filter, area, drug);

create or replace table overdose_deaths_12mo as
select
    "State" as jurisdiction,
    make_date("Year"::integer, month(strptime("Month", '%B')), 1) as month_ending,
    "Indicator" as indicator,
    "Data Value"::bigint as deaths_reported,
    "Predicted Value"::bigint as deaths_predicted
from read_parquet(getvariable('vsrr'))
where "Indicator" <> 'Percent with drugs specified';

create or replace table border_crossings_monthly as
select
    lpad("Port Code", 4, '0') as port_code,
    cast(strptime("Date", '%b %Y') as date) as month,
    "Measure" as measure,
    max(cast("Value" as bigint)) as crossings
from read_csv(getvariable('bts'), all_varchar = true)
group by all;
