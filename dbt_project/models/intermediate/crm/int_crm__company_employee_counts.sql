{#
    every number of employees that a CRM record ever showed, by the day of the record; staging keeps the newest version
    only, and growth needs an older one
#}
{{ config(
    materialized='table' if target.type == 'spark' else 'incremental',
    incremental_strategy='by_key',
    unique_key=['company_id', 'as_of'],
    on_schema_change='append_new_columns',
) }}

with landed as (
    {{ new_loads('crm', 'companies', 'row_errors is null and employee_count is not null') }}
),

dated as (
    select
        c.company_id,
        cast(coalesce(c.updated_at, l.started_at) as date) as as_of,
        c.employee_count,
        c.load_id,
        row_number() over (
            partition by c.company_id, cast(coalesce(c.updated_at, l.started_at) as date)
            order by c.updated_at desc nulls last, c.load_id desc, c.source_file desc, c.source_row desc
        ) as place
    from landed as c
    inner join {{ source('landing', 'loads') }} as l on l.load_id = c.load_id and l.stream = 'crm'
)

select
    company_id,
    as_of,
    employee_count,
    load_id
from dated
where place = 1
