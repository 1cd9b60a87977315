{#-
Sum of a value over the last months, null unless every month has a row in the series. It uses DECIMAL, so two builds
are equal. The window must be a RANGE of that many months.
-#}
{% macro whole_sum(value, window, months, decimals=8) -%}
    case
        when count({{ value }}) over {{ window }} = {{ months }}
            then sum(cast({{ value }} as decimal(28, {{ decimals }}))) over {{ window }}
    end
{%- endmacro %}

{#- The RANGE of a window of months that ends in the row's month. -#}
{% macro last_months(months) -%}
    range between interval {{ months - 1 }} months preceding and current row
{%- endmacro %}

{#- The drugs of the mix, which every report on the border names. -#}
{% macro mix_drugs() -%}
    ('fentanyl', 'heroin', 'methamphetamine', 'cocaine')
{%- endmacro %}

{#- The only sum of measures that does not count a crossing twice. -#}
{% macro summable_measures() -%}
    ('personal_vehicles', 'pedestrians', 'trucks')
{%- endmacro %}

{#-
Whether no single vintage has the figures of both sides of a comparison. This is so if the later side has a figure that
was first published after the vintage of the earlier side. That vintage has all figures that did not change later.
-#}
{% macro no_common_vintage(oldest_vintage_before, newest_figure) -%}
    coalesce({{ newest_figure }} > {{ oldest_vintage_before }}, false)
{%- endmacro %}

{#- Why a sum of the last months and the sum a year before give no growth; null if they do. -#}
{% macro growth_null_reason(now, before, months) -%}
    case
        when {{ now }}.rolling_{{ months }} is null or {{ before }}.rolling_{{ months }} is null then 'missing_month'
        when {{ before }}.events_{{ months }} < 10 then 'few_events'
        when {{ before }}.rolling_{{ months }} = 0 then 'zero_base'
        when
            {{ no_common_vintage(before ~ ".oldest_vintage_" ~ months, now ~ ".newest_figure_" ~ months) }}
            then 'no_common_vintage'
    end
{%- endmacro %}
