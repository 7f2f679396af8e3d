{# the rows of committed loads that this model has not yet taken #}
{% macro new_loads(stream, object) %}
    select *, {{ load_id_of('filename') }} as load_id
    from {{ source(stream, object) }}
    where {{ load_id_of('filename') }} in (
        select load_id from {{ source('landing', 'loads') }} where stream = '{{ stream }}'
    )
    {%- if is_incremental() %}
      {#- read now, so that the engine sees a constant and opens no older file -#}
      {%- set newest = run_query('select coalesce(max(load_id), \'\') from ' ~ this).columns[0][0] if execute else '' %}
      and {{ load_id_of('filename') }} > '{{ newest }}'
    {%- endif %}
{% endmacro %}
