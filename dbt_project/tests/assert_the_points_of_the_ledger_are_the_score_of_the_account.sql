-- the score of an account is the sum of its points to the last digit, and every customer has one
{{ config(tags=['marts']) }}

with summed as (
    select
        account_id,
        sum(points) as score
    from {{ ref('account_score_ledger') }}
    group by account_id
)

select
    a.account_id,
    a.tier_score,
    s.score
from {{ ref('accounts') }} as a
full outer join summed as s on s.account_id = a.account_id
where a.tier_score is distinct from s.score or (a.tier is not null and s.score is null and a.won_deal_count > 0)
