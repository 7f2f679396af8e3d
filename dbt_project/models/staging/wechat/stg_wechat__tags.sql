{{ config(unique_key='tag_id') }}

with source as (
    {{ new_loads('wechat', 'tags', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        tag_id,

        -- strings
        name,

        -- numbers
        follower_count,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['tag_id'], version=[]) }}
