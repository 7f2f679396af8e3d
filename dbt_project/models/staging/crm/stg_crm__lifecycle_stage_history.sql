{{ config(unique_key=['record_type', 'record_id', 'stage', 'entered_at']) }}

with source as (
    {{ new_loads('crm', 'lifecycle_stage_history', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        record_id,

        -- strings
        record_type,
        stage,

        -- timestamps
        entered_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['record_type', 'record_id', 'stage', 'entered_at'], version=[]) }}
