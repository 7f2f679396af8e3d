{{ config(unique_key='openid') }}

with source as (
    {{ new_loads('wechat', 'followers', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        openid,
        unionid,

        -- strings
        subscribe_scene,
        qr_scene,
        qr_scene_str,
        remark,
        tag_ids,
        language,

        -- booleans
        is_subscribed,

        -- timestamps
        subscribed_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['openid'], version=[]) }}
