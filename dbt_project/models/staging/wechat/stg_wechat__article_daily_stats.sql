{{ config(unique_key=['ref_date', 'msgid']) }}

with source as (
    {{ new_loads('wechat', 'article_daily_stats', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        msgid,

        -- strings
        read_user_source,

        -- numbers
        read_user,
        share_user,

        -- booleans
        is_delay,

        -- dates
        ref_date,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['ref_date', 'msgid'], version=[]) }}
