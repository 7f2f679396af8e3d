{{ config(unique_key='product_id') }}

with source as (
    {{ new_loads('crm', 'products', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        product_id,

        -- strings
        name,
        family,
        currency,

        -- numbers
        list_price,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['product_id'], version=[]) }}
