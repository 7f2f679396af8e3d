-- companies and stages are joined to the deals: one company with two accounts would double its deals
{{ config(tags=['marts']) }}

with staged as (
    select deal_id from {{ ref('stg_crm__deals') }}
    where not coalesce(is_deleted, false)
),

classified as (
    select
        deal_id,
        count(*) as row_count
    from {{ ref('int_crm__deals_classified') }}
    group by deal_id
)

select
    coalesce(s.deal_id, c.deal_id) as deal_id,
    c.row_count
from staged as s
full outer join classified as c on c.deal_id = s.deal_id
where s.deal_id is null or coalesce(c.row_count, 0) <> 1
