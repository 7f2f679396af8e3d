{{ config(unique_key=['openid', 'created_at', 'event']) }}

with source as (
    {{ new_loads('wechat', 'follower_events', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        openid,

        -- strings
        event,
        event_key,
        ticket,
        menu_id,
        message_type,

        -- timestamps
        created_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['openid', 'created_at', 'event'], version=[]) }}
