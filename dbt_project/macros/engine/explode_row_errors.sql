{# one row per element of the JSON list in row_errors #}
{% macro explode_row_errors(relation) %}{{ return(adapter.dispatch('explode_row_errors')(relation)) }}{% endmacro %}

{% macro default__explode_row_errors(relation) %}
    select
        source_file,
        source_row,
        raw_row,
        load_id,
        error ->> '$.field' as field,
        error ->> '$.rule' as rule,
        error ->> '$.expected' as expected,
        error ->> '$.found' as found
    from (
        select source_file, source_row, raw_row, load_id, unnest(from_json(row_errors, '["json"]')) as error
        from {{ relation }}
    )
{% endmacro %}

{% macro spark__explode_row_errors(relation) %}
    select
        source_file,
        source_row,
        raw_row,
        load_id,
        error.field as field,
        error.rule as rule,
        error.expected as expected,
        error.found as found
    from {{ relation }}
    lateral view explode(
        from_json(row_errors, 'array<struct<field: string, rule: string, expected: string, found: string>>')
    ) errors as error
{% endmacro %}
