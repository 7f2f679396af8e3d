{# the columns of a contract in its types, which are spelt as DuckDB spells them #}
{% macro spark__get_select_subquery(sql) %}
    {%- set spelt = {'varchar': 'string', 'timestamp with time zone': 'timestamp'} -%}
    select
    {%- for column in model['columns'].values() %}
        cast({{ column['name'] }} as {{ spelt.get(column['data_type'], column['data_type']) }}) as {{ column['name'] }}{{ ',' if not loop.last }}
    {%- endfor %}
    from ({{ sql }})
{% endmacro %}
