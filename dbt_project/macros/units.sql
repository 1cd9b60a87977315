{#- Kilograms of a weight in pounds: the international pound is 0.45359237 kg exactly. -#}
{% macro kg(pounds) -%}
    {{ pounds }} * 0.45359237
{%- endmacro %}

{#- US federal fiscal year of a date: it begins on 1 October of the calendar year before. -#}
{% macro fiscal_year(month) -%}
    cast(year({{ month }}) + cast(month({{ month }}) >= 10 as integer) as integer)
{%- endmacro %}

{#- Month of the fiscal year: October is 1, September is 12. -#}
{% macro fiscal_month(month) -%}
    cast((month({{ month }}) + 2) % 12 + 1 as integer)
{%- endmacro %}
