{{ config(unique_key=['deal_id', 'stage', 'entered_at']) }}

with source as (
    {{ new_loads('crm', 'deal_stage_history', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        deal_id,

        -- strings
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
{{ latest_version('renamed', key=['deal_id', 'stage', 'entered_at'], version=[]) }}
