{{ config(unique_key=['company_id', 'user_id', 'usage_date', 'feature']) }}

with source as (
    {{ new_loads('crm', 'product_usage', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        company_id,
        user_id,

        -- strings
        feature,

        -- numbers
        usage_count,

        -- dates
        usage_date,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['company_id', 'user_id', 'usage_date', 'feature'], version=[]) }}
