{#-
Sum of a value over the last months, null unless every one of them has a row in the series. Over DECIMAL, so that
two builds are equal. The window must be a RANGE of that many months.
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

{#- The drugs of the mix: those that every report of the border names. -#}
{% macro mix_drugs() -%}
    ('fentanyl', 'heroin', 'methamphetamine', 'cocaine')
{%- endmacro %}

{#- The one sum of measures that counts no crossing twice. -#}
{% macro summable_measures() -%}
    ('personal_vehicles', 'pedestrians', 'trucks')
{%- endmacro %}
