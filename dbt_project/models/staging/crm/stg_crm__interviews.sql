{{ config(unique_key='interview_id') }}

with source as (
    {{ new_loads('crm', 'interviews', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        interview_id,
        company_id,
        contact_id,

        -- strings
        respondent_role,
        interviewer,

        -- booleans
        has_consent,

        -- timestamps
        interviewed_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['interview_id'], version=[]) }}
