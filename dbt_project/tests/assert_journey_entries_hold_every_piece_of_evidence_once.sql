-- the state machine groups evidence into entries: from the first piece that tells a stage on none may be dropped or
-- counted twice
{{ config(tags=['marts']) }}

with firsts as (
    select
        account_id,
        min(occurred_at) as first_at
    from {{ ref('int_journey__evidence') }}
    where stage_order is not null and not is_impossible
    group by account_id
),

given as (
    select
        e.account_id,
        count(*) as evidence_count
    from {{ ref('int_journey__evidence') }} as e
    inner join firsts as f on f.account_id = e.account_id and f.first_at <= e.occurred_at
    where not e.is_impossible
    group by e.account_id
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
