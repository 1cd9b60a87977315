{#-
Differences between a mart and the present rows of its history, by the vintage that first published the figures. No row
may be lost, invented or doubled, and the sums must be equal. mart_rows and history_rows select what must be equal.
-#}
{% macro account(mart, mart_rows, history, history_rows, measures) %}
with published as (
    select
        value_vintage as first_vintage,
        {{ _count_and_sums(measures) }}
    from {{ history }}
    where
        first_vintage <= {{ as_of() }}
        and (replaced_vintage is null or replaced_vintage > {{ as_of() }})
        and ({{ history_rows }})
    group by value_vintage
),

shown as (
    select
        first_vintage,
        {{ _count_and_sums(measures) }}
    from {{ mart }}
    where {{ mart_rows }}
    group by first_vintage
)

select
    first_vintage,
    published.row_count as rows_published,
    shown.row_count as rows_shown,
    {% for measure in measures -%}
    published.{{ measure }} as {{ measure }}_published,
    shown.{{ measure }} as {{ measure }}_shown{{ "," if not loop.last }}
    {% endfor %}
from published
full join shown using (first_vintage)
where
    published.row_count is distinct from shown.row_count
    {% for measure in measures -%}
    or published.{{ measure }} is distinct from shown.{{ measure }}
    {% endfor %}
{% endmacro %}

{#- Sums use DECIMAL, so they do not depend on the order of rows. -#}
{% macro _count_and_sums(measures) -%}
count(*) as row_count,
    {% for measure in measures -%}
    sum(cast({{ measure }} as decimal(18, 6))) as {{ measure }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- For a history by month: whether a complete vintage covers the row's month. -#}
{% macro in_whole_months(coverage, source_id) -%}
month in (
    select cast(unnest(generate_series(first_period, last_period, interval 1 month)) as date)
    from {{ coverage }}
    where source_id = '{{ source_id }}' and not is_partial and vintage <= {{ as_of() }}
)
{%- endmacro %}
