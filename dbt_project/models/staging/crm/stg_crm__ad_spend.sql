{{ config(unique_key=['spend_date', 'channel', 'campaign']) }}

with source as (
    {{ new_loads('crm', 'ad_spend', 'row_errors is null') }}
),

renamed as (
    select
        -- strings
        channel,
        campaign,
        currency,

        -- numbers
        cost,
        impressions,
        clicks,

        -- dates
        spend_date,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['spend_date', 'channel', 'campaign'], version=[]) }}
