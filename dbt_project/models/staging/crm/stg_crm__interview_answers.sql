{{ config(unique_key=['interview_id', 'question_code', 'answer_code']) }}

with source as (
    {{ new_loads('crm', 'interview_answers', 'row_errors is null') }}
),

renamed as (
    select
        -- ids
        interview_id,

        -- strings
        question_code,
        answer_code,
        answer_text,

        -- numbers
        confidence,

        -- booleans
        is_inferred,

        -- leftovers and provenance
        properties,
        load_id,
        source_file,
        source_row
    from source
)
{{ latest_version('renamed', key=['interview_id', 'question_code', 'answer_code'], version=[]) }}
