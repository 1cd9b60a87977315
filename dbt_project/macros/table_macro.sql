{#-
Materialization of a table macro in schema main: a query with parameters, such as
`select * from seizures_as_of(date '2024-05-01')`. The model's SQL names released tables
(schemas marts and history), never the build file's catalog, because the release holds it too.
-#}
{% materialization table_macro, adapter='duckdb' %}
    {% call statement('main') %}
        create or replace macro main.{{ model['alias'] }}({{ config.require('parameters') }}) as table
        {{ sql }}
    {% endcall %}
    {% do adapter.commit() %}
    {{ return({'relations': []}) }}
{% endmaterialization %}
