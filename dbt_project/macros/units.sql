{#- Kilograms from pounds. The international pound is exactly 0.45359237 kg. -#}
{% macro kg(pounds) -%}
    {{ pounds }} * 0.45359237
{%- endmacro %}

{#- US federal fiscal year of a date. It begins on 1 October of the previous calendar year. -#}
{% macro fiscal_year(month) -%}
    cast(year({{ month }}) + cast(month({{ month }}) >= 10 as integer) as integer)
{%- endmacro %}

{#- Month of the fiscal year: October is 1, September is 12. -#}
{% macro fiscal_month(month) -%}
    cast((month({{ month }}) + 2) % 12 + 1 as integer)
{%- endmacro %}
