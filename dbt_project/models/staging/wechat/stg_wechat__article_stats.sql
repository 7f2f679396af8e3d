{{ config(unique_key=['msgid', 'stat_date']) }}

with source as (
    {{ new_loads('wechat', 'article_stats', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        msgid,

        -- strings
        title,
        url,
        read_user_source,

        -- numbers
        publish_type,
        read_user,
        share_user,
        zaikan_user,
        like_user,
        comment_count,
        collection_user,
        praise_money,
        read_subscribe_user,
        read_delivery_rate,
        read_finish_rate,
        read_avg_activetime,

        -- booleans
        is_delay,

        -- dates
        stat_date,
        published_on,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['msgid', 'stat_date'], version=[]) }}
