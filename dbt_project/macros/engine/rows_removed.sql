{# takes rows out of a table that has just been built #}
{% macro rows_removed(relation, condition) %}{{ return(adapter.dispatch('rows_removed')(relation, condition)) }}{% endmacro %}

{% macro default__rows_removed(relation, condition) -%}
    delete from {{ relation }} where {{ condition }}
{%- endmacro %}

{# files of Parquet know no delete #}
{% macro spark__rows_removed(relation, condition) -%}
    {%- if execute -%}
        {%- set kept = relation.incorporate(path={'identifier': relation.identifier ~ '__kept'}) -%}
        {%- do run_query('drop table if exists ' ~ kept) -%}
        {%- do run_query('create table ' ~ kept ~ ' as select * from ' ~ relation ~ ' where not coalesce(' ~ condition ~ ', false)') -%}
        {%- do run_query('drop table ' ~ relation) -%}
        {%- do run_query('alter table ' ~ kept ~ ' rename to ' ~ relation) -%}
    {%- endif -%}
{%- endmacro %}
