{#-
Residents on 1 July. The years to 2019 come from Vintage 2020 and the years from 2020 on from Vintage 2024; the two
differ for 2020. New York City is the sum of its five counties. The nation is the publisher's figure if there is one,
otherwise the sum of the 50 states and DC.
-#}
with {{ known_on(ref('stg_census_population'), ref('stg_coverage'), 'census_population', as_of()) }},

areas as (
    select
        states.series,
        states.area_level,
        states.geo_id,
        cast(year(states.year) as integer) as year,
        states.population,
        {{ covering_vintage("states", "windows", as_of()) }} as vintage,
        states.value_vintage as first_vintage
    from states
    left join windows on states.scope = windows.scope and states.year = windows.period
    where states.change <> 'withdrawn'
),

owned as (
    select * from areas
    where (series = 'V2020' and year <= 2019) or (series = 'V2024' and year >= 2020)
),

new_york_city as (
    select
        'US-NYC' as jurisdiction_id,
        year,
        series,
        case when count(population) = 5 then sum(population) end as population,
        max(vintage) as vintage,
        max(first_vintage) as first_vintage
    from owned
    where area_level = 'county' and geo_id in ('36005', '36047', '36061', '36081', '36085')
    group by year, series
),

published as (
    select
        geo_id as jurisdiction_id,
        year,
        series,
        population,
        vintage,
        first_vintage
    from owned
    where area_level in ('state', 'territory', 'country')
),

rest_of_new_york as (
    select
        'US-NY-XNYC' as jurisdiction_id,
        published.year,
        published.series,
        published.population - new_york_city.population as population,
        greatest(published.vintage, new_york_city.vintage) as vintage,
        greatest(published.first_vintage, new_york_city.first_vintage) as first_vintage
    from published
    inner join new_york_city using (year, series)
    where published.jurisdiction_id = 'US-NY'
),

nation as (
    select
        'US' as jurisdiction_id,
        year,
        series,
        case when count(population) = 51 then sum(population) end as population,
        max(vintage) as vintage,
        max(first_vintage) as first_vintage
    from owned
    where
        area_level = 'state'
        and year not in (
            select country.year from published as country
            where country.jurisdiction_id = 'US'
        )
    group by year, series
),

everywhere as (
    select * from published
    union all by name
    select * from new_york_city
    union all by name
    select * from rest_of_new_york
    union all by name
    select * from nation
)

select
    jurisdiction_id,
    year,
    cast(population as bigint) as population,
    series,
    'census_population' as source_id,
    vintage,
    first_vintage
from everywhere
where population is not null
