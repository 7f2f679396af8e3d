{{ config(unique_key='campaign_member_id') }}

with source as (
    {{ new_loads('crm', 'campaign_members', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        campaign_member_id,
        campaign_id,
        contact_id,
        lead_id,

        -- strings
        status,

        -- booleans
        is_deleted,

        -- timestamps
        joined_at,
        responded_at,
        updated_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['campaign_member_id'], version=['updated_at']) }}
