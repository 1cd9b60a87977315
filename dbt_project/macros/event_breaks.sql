{#-
Whether a row's events are counted in another way than those of earlier months. This is so if the seed event_breaks has
its component and month, and its vintage already counts the new way. An earlier vintage counts all months the old way.
-#}
{% macro is_event_break(facts) -%}
    exists (
        select 1
        from {{ ref('event_breaks') }} as breaks
        where
            breaks.source_id = {{ facts }}.source_id
            and breaks.component = {{ facts }}.component
            and breaks.first_month <= {{ facts }}.month
            and breaks.first_vintage <= {{ facts }}.vintage
    )
{%- endmacro %}
