-- agents and page exclusions are joined to the events: an agent listed twice would double them
{{ config(tags=['marts']) }}

with counts as (
    select
        (select count(*) from {{ ref('stg_website__events') }}) as staged,
        (select count(*) from {{ ref('int_website__events_enriched') }}) as enriched,
        (select count(*) from {{ ref('int_website__events_sessionized') }}) as sessionized
)

select * from counts
where enriched <> staged or sessionized <> staged
