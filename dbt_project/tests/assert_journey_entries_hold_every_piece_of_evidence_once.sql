-- the state machine groups evidence into entries: none may be dropped or counted twice
{{ config(tags=['marts']) }}

with given as (
    select
        account_id,
        count(*) as evidence_count
    from {{ ref('int_journey__evidence') }}
    group by account_id
),

used as (
    select
        account_id,
        sum(evidence_count) as evidence_count
    from {{ ref('journey_stages') }}
    group by account_id
)

select
    coalesce(g.account_id, u.account_id) as account_id,
    g.evidence_count as given_count,
    u.evidence_count as used_count
from given as g
full outer join used as u on u.account_id = g.account_id
where g.evidence_count is distinct from u.evidence_count
