{# an event that its source took back takes the place of its former version, and then goes itself #}
{{ config(unique_key='event_id', post_hook="{{ rows_removed(this, 'is_deleted') }}") }}

with source as (
    {{ new_loads('website', 'events', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        event_id,
        anonymous_id,
        user_id,
        session_id,
        openid,

        -- strings
        event_name,
        page_url,
        page_title,
        referrer_url,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        user_agent,
        ip_address,
        email,
        phone,

        -- numbers
        http_status,

        -- booleans
        is_deleted,

        -- timestamps
        occurred_at,
        sent_at,
        received_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['event_id'], version=['received_at']) }}
