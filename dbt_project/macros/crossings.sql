{#-
Border crossings as of a date. An absent row stays absent: it is zero or unreported, and the data do not say which.
A measure of one of the two newest months is partial if it has fewer than three quarters of the average port
rows of the twelve months before.
-#}
{% macro crossings(history, coverage, date_expression) %}
with {{ known_on(history, coverage, "bts_border_crossings", date_expression) }},

present as (
    select * from states
    where change <> 'withdrawn'
),

ports_reporting as (
    select month, measure_id, count(*) as port_count
    from present
    group by month, measure_id
),

expected as (
    select
        month,
        measure_id,
        port_count,
        avg(port_count) over (
            partition by measure_id order by month
            range between interval 12 months preceding and interval 1 month preceding
        ) as usual_port_count,
        max(month) over () as newest_month
    from ports_reporting
),

partial as (
    select month, measure_id
    from expected
    where month >= newest_month - interval 1 month and port_count < 0.75 * usual_port_count
)

select
    present.port_code,
    present.month,
    present.measure_id,
    cast(present.crossings as bigint) as crossings,
    present.is_resolved_duplicate,
    partial.month is not null as is_partial,
    present.is_suspect,
    'bts_border_crossings' as source_id,
    {{ covering_vintage("present", "windows", date_expression) }} as vintage,
    present.value_vintage as first_vintage
from present
left join windows on present.scope = windows.scope and present.month = windows.period
left join partial on present.month = partial.month and present.measure_id = partial.measure_id
{% endmacro %}

{#- Usual share of the ports without a row in a sum that includes them; 0 if no port is missing. -#}
{% macro missing_share(missing, published) -%}
    coalesce(cast({{ missing }} as double) / nullif({{ missing }} + {{ published }}, 0), 0)
{%- endmacro %}

{#-
From this share on a sum is incomplete, because the missing part moves a yearly change by a point. A small closed port
stays below it: Boquillas, shut by the pandemic, has at most 0.13 % of El Paso's pedestrians, and Lukeville would
have 0.4 % of Tucson's vehicles without its row of December 2023. San Diego lacks 7.6 % with January 2024.
-#}
{% macro missing_share_limit() -%}
    0.01
{%- endmacro %}
