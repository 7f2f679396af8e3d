{# the rows of committed loads that this model has not yet taken, and for which the condition holds #}
{% macro new_loads(stream, object, condition) -%}
    select
        *,
        {{ load_id_of('filename') }} as load_id
    from {{ source(stream, object) }}
    where
        {{ condition }}
        and {{ load_id_of('filename') }} in (
            select load_id from {{ source('landing', 'loads') }} where stream = '{{ stream }}'
        )
    {%- if is_incremental() %}
        and {{ load_id_of('filename') }} > '{{ newest_load(this) }}'
    {%- endif %}
{%- endmacro %}
