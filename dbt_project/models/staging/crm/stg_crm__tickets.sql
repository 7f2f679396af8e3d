{{ config(unique_key='ticket_id') }}

with source as (
    {{ new_loads('crm', 'tickets', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        ticket_id,
        company_id,
        contact_id,
        deal_id,

        -- strings
        category,
        severity,
        status,

        -- numbers
        effort_hours,

        -- booleans
        is_deleted,

        -- timestamps
        opened_at,
        closed_at,
        updated_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['ticket_id'], version=['updated_at']) }}
