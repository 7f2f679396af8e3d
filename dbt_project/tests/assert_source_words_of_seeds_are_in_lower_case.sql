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
)

select * from words
where word <> lower(trim(word))
