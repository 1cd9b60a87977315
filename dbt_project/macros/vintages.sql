{#- The date of knowledge: a run uses everything published until then. Set `as_of` to look back. -#}
{% macro as_of() -%}
    date '{{ var("as_of", "9999-12-31") }}'
{%- endmacro %}

{#-
CTEs that every fact starts with:
  states   the state of each key on a date (at most one row for each key)
  windows  for each scope and period: newest and first full vintage that covers it (null where only
           excerpts do), and whether the newest vintage of any kind leaves it open
-#}
{% macro known_on(history, coverage, source_id, date_expression) -%}
states as (
    select *
    from {{ history }}
    where
        first_vintage <= {{ date_expression }}
        and (replaced_vintage is null or replaced_vintage > {{ date_expression }})
),

covered as (
    select
        scope,
        vintage,
        is_partial,
        is_open,
        cast(unnest(generate_series(first_period, last_period, interval 1 month)) as date) as period
    from {{ coverage }}
    where
        source_id = '{{ source_id }}'
        and vintage <= {{ date_expression }}
),

windows as (
    select
        scope,
        period,
        max(vintage) filter (where not is_partial) as vintage,
        min(vintage) filter (where not is_partial) as first_vintage,
        arg_max(is_open, vintage) as is_open
    from covered
    group by scope, period
)
{%- endmacro %}

{#- Newest vintage that covers a row: a full vintage with the row in its window, or an excerpt with the row. -#}
{% macro covering_vintage(state, window, date_expression) -%}
    greatest(
        {{ state }}.first_vintage,
        {{ window }}.vintage,
        list_max(list_filter({{ state }}.excerpt_vintages, lambda v: v <= {{ date_expression }}))
    )
{%- endmacro %}
