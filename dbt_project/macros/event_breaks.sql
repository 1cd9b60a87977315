{#-
Whether a row's events are counted otherwise than those of earlier months: where a break is known of its component and
month (seed event_breaks), and its vintage already counts the new way. An earlier vintage counts both sides the old way.
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
