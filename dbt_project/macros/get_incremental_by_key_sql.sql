{# the strategy `by_key`: what comes takes the place of what had its key. dbt's own delete+insert keeps both where a part of the key is null #}
{% macro get_incremental_by_key_sql(given) %}
    {%- set key = [given['unique_key']] if given['unique_key'] is string else given['unique_key'] %}
    {%- set columns = given['dest_columns'] | map(attribute='quoted') | join(', ') %}
    delete from {{ given['target_relation'] }} as kept
    where exists (
        select 1 from {{ given['temp_relation'] }} as incoming
        where {{ same_key('kept', 'incoming', key) }}
    );

    insert into {{ given['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ given['temp_relation'] }}
{% endmacro %}
