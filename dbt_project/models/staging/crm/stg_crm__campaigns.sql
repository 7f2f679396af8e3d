{{ config(unique_key='campaign_id') }}

with source as (
    {{ new_loads('crm', 'campaigns', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        campaign_id,

        -- strings
        name,
        campaign_type,
        channel,
        currency,

        -- numbers
        budget,

        -- booleans
        is_deleted,

        -- timestamps
        started_at,
        ended_at,
        updated_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['campaign_id'], version=['updated_at']) }}
