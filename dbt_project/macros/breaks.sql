{#-
Whether any month from first to last will never be complete, as known on the date of knowledge (seed series_breaks).
-#}
{% macro touches_break(jurisdiction_id, indicator_id, first_month, last_month) -%}
    exists (
        select 1
        from {{ ref('series_breaks') }} as breaks
        where
            breaks.jurisdiction_id = {{ jurisdiction_id }}
            and (
                breaks.indicator_scope = {{ indicator_id }}
                or (breaks.indicator_scope = 'overdose' and {{ indicator_id }} <> 'all_deaths')
            )
            and breaks.first_month <= {{ last_month }}
            and breaks.last_month >= {{ first_month }}
            and breaks.known_since <= {{ as_of() }}
    )
{%- endmacro %}
