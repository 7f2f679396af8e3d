{{ config(unique_key='survey_response_id') }}

with source as (
    {{ new_loads('crm', 'surveys', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        survey_response_id,
        company_id,
        contact_id,

        -- strings
        survey_type,
        comment,

        -- numbers
        score,

        -- timestamps
        responded_at,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['survey_response_id'], version=[]) }}
