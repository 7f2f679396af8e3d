{{ config(unique_key='company_id') }}

with source as (
    {{ new_loads('crm', 'companies', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        company_id,
        uscc,
        parent_company_id,
        owner_id,
        merged_into_id,

        -- strings
        name,
        domain,
        website,
        industry,
        currency,
        country,
        province,
        city,
        address,
        funding_stage,
        lifecycle_stage,

        -- numbers
        employee_count,
        annual_revenue,
        founded_year,
        total_funding,

        -- booleans
        is_deleted,

        -- timestamps
        created_at,
        updated_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['company_id'], version=['updated_at']) }}
