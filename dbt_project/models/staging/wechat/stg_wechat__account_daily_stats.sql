{{ config(unique_key='ref_date') }}

with source as (
    {{ new_loads('wechat', 'account_daily_stats', 'row_errors is null') }}
),

renamed as (
    select
        -- strings
        read_user_source,

        -- numbers
        read_user,
        share_user,
        zaikan_user,
        like_user,
        comment_count,
        collection_user,
        redirect_ori_page_user,
        send_page_count,

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
{{ latest_version('renamed', key=['ref_date'], version=[]) }}
