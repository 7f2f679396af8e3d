{{ config(unique_key='lead_id') }}

with source as (
    {{ new_loads('crm', 'leads', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        lead_id,
        unionid,
        openid,
        converted_contact_id,
        converted_deal_id,
        merged_into_id,

        -- strings
        company_name,
        full_name,
        email,
        phone,
        job_title,
        department,
        lifecycle_stage,
        lead_status,
        lead_source,

        -- numbers
        score,

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
{{ latest_version('renamed', key=['lead_id'], version=['updated_at']) }}
