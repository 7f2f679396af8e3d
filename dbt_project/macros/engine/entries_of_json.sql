{# the top-level entries of a JSON column, one row each: the relation's key columns, entry_name, entry_value #}
{% macro entries_of_json(relation, column, keys) %}{{ return(adapter.dispatch('entries_of_json')(relation, column, keys)) }}{% endmacro %}

{% macro default__entries_of_json(relation, column, keys) %}
    select
        {{ keys | join(', ') }},
        entry_name,
        json_extract_string({{ column }}, concat('$."', entry_name, '"')) as entry_value
    from (
        select {{ keys | join(', ') }}, {{ column }}, unnest(json_keys({{ column }})) as entry_name
        from {{ relation }}
        where {{ column }} is not null
    )
    where not contains(entry_name, '"')
{% endmacro %}

{% macro spark__entries_of_json(relation, column, keys) %}
    select {{ keys | join(', ') }}, entry_name, entry_value
    from {{ relation }}
    lateral view explode(from_json({{ column }}, 'map<string,string>')) entries as entry_name, entry_value
    where not contains(entry_name, '"')
{% endmacro %}
