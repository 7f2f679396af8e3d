{{ config(unique_key=['ref_date', 'user_source']) }}

with source as (
    {{ new_loads('wechat', 'daily_follower_stats', 'row_errors is null') }}
),

renamed as (
    select
        -- numbers
        user_source,
        new_user,
        cancel_user,
        cumulate_user,

        -- dates
        ref_date,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['ref_date', 'user_source'], version=[]) }}
