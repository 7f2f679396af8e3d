{{ config(unique_key='activity_id') }}

with source as (
    {{ new_loads('crm', 'activities', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        activity_id,
        company_id,
        contact_id,
        deal_id,
        owner_id,

        -- strings
        activity_type,
        direction,
        outcome,

        -- numbers
        minutes,

        -- timestamps
        occurred_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['activity_id'], version=[]) }}
