{{ config(unique_key='contact_id') }}

with source as (
    {{ new_loads('crm', 'contacts', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        contact_id,
        company_id,
        unionid,
        openid,
        merged_into_id,

        -- strings
        full_name,
        email,
        phone,
        job_title,
        department,
        seniority,
        buying_role,
        lifecycle_stage,
        lead_status,
        lead_source,

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
{{ latest_version('renamed', key=['contact_id'], version=['updated_at']) }}
