{# the newest load that a table holds; read while compiling, so that the engine sees a constant and opens no older file #}
{% macro newest_load(relation) -%}
    {%- if execute -%}
        {{ return(run_query('select coalesce(max(load_id), \'\') from ' ~ relation).columns[0][0]) }}
    {%- endif -%}
{%- endmacro %}
