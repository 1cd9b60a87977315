{#-
Seizures by month and place as of a date, with the zeros that the publisher leaves out.
Within the published window, a combination that has occurred but has no row had no seizure. A row that a newer vintage
withdrew is also such a zero. A month that only excerpts cover is only in the history: its absent rows are unknown, so
every total of it would be too low.
-#}
{% macro seizures(history, coverage, drugs, source_id, places, date_expression) %}
with {{ known_on(history, coverage, source_id, date_expression) }},

months as (
    select
        period,
        max(vintage) as vintage,
        min(first_vintage) as first_vintage,
        bool_or(is_open) as is_open
    from windows
    group by period
),

places as (
    select distinct {{ places | join(', ') }}
    from {{ history }}
    where first_vintage <= {{ date_expression }}
),

grid as (
    select months.period as month, places.*, drugs.drug_id
    from months
    cross join places
    cross join {{ drugs }} as drugs
    where months.vintage is not null
),

filled as (
    select
        month,
        {{ places | join(', ') }},
        drug_id,
        coalesce(states.events, 0) as events,
        coalesce(states.quantity_lb, 0) as quantity_lb,
        states.events is null as is_filled,
        states.value_vintage,
        states.first_vintage,
        states.excerpt_vintages
    from grid
    full join states using (month, {{ places | join(', ') }}, drug_id)
)

select
    filled.month,
    {% for place in places -%}
    filled.{{ place }},
    {% endfor -%}
    filled.drug_id,
    cast(filled.events as bigint) as events,
    cast(filled.quantity_lb as double) as quantity_lb,
    cast({{ kg("filled.quantity_lb") }} as double) as quantity_kg,
    filled.is_filled,
    coalesce(months.is_open, false) as is_fytd,
    {{ fiscal_year("filled.month") }} as fiscal_year,
    '{{ source_id }}' as source_id,
    {{ covering_vintage("filled", "months", date_expression) }} as vintage,
    coalesce(filled.value_vintage, months.first_vintage) as first_vintage
from filled
inner join months on filled.month = months.period
where months.vintage is not null
{% endmacro %}
