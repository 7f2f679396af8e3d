{{ config(unique_key=['company_id', 'uscc', 'company_name', 'attribute', 'source', 'as_of']) }}

with source as (
    {{ new_loads('crm', 'company_enrichment', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        company_id,
        uscc,

        -- strings
        company_name,
        attribute,
        value,
        source,

        -- dates
        as_of,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['company_id', 'uscc', 'company_name', 'attribute', 'source', 'as_of'], version=[]) }}
