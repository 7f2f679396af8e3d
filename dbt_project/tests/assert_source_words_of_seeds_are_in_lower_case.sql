-- what the CRM writes is matched in lower case and without blanks around it: another spelling here would never match
{{ config(tags=['staging']) }}

with words as (
    select
        'deal_stages' as seed,
        source_stage as word
    from {{ ref('deal_stages') }}
    union all
    select
        'lead_statuses' as seed,
        source_status as word
    from {{ ref('lead_statuses') }}
    union all
    select
        'activity_types' as seed,
        source_type as word
    from {{ ref('activity_types') }}
    union all
    select
        'known_words' as seed,
        word
    from {{ ref('known_words') }}
    union all
    select
        'attribute_names' as seed,
        source_name as word
    from {{ ref('attribute_names') }}
    union all
    select
        'source_names' as seed,
        source_name as word
    from {{ ref('source_names') }}
    union all
    select
        'attribute_terms' as seed,
        term as word
    from {{ ref('attribute_terms') }}
    union all
    select
        'interview_questions' as seed,
        question_code as word
    from {{ ref('interview_questions') }}
)

select * from words
where word <> lower(trim(word))
