{{ config(unique_key=['deal_id', 'contact_id']) }}

with source as (
    {{ new_loads('crm', 'deal_contacts', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        deal_id,
        contact_id,

        -- strings
        role,

        -- booleans
        is_primary,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['deal_id', 'contact_id'], version=[]) }}
