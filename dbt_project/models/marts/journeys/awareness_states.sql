{# what is known is not forgotten: a state is entered when evidence first goes beyond the one before #}
with evidence as (
    select
        *,
        row_number() over (
            partition by subject_type, subject_id order by occurred_at, state_order, evidence
        ) as place
    from {{ ref('int_journey__awareness_evidence') }}
),

reached as (
    select
        *,
        max(state_order) over (
            partition by subject_type, subject_id
            order by place
            rows between unbounded preceding and current row
        ) as reached_order
    from evidence
),

firsts as (
    select
        *,
        row_number() over (partition by subject_type, subject_id, reached_order order by place) as place_in_state,
        count(*) over (partition by subject_type, subject_id, reached_order) as evidence_count
    from reached
),

states as (
    select
        *,
        lead(occurred_at) over (partition by subject_type, subject_id order by reached_order) as left_at
    from firsts
    where place_in_state = 1
),

open_deals as (
    select distinct account_id
    from {{ ref('int_crm__deals_classified') }}
    where deal_state = 'open' and account_id is not null
)

select
    {{ dbt.hash("concat_ws('|', s.subject_type, s.subject_id, s.awareness_state)") }} as awareness_state_id,
    s.subject_type,
    case when s.subject_type = 'contact' then s.subject_id end as contact_id,
    s.account_id,
    s.awareness_state as state,
    s.state_order,
    s.occurred_at as entered_at,
    s.left_at,
    {{ local_date('s.occurred_at') }} as valid_from,
    {{ local_date('s.left_at') }} as valid_to,
    s.left_at is null as is_current,
    s.evidence,
    s.evidence_count,
    a.action_en,
    a.action_zh,
    a.action_owner,
    {{ local_date(dbt.dateadd('day', 'cast(a.within_days as integer)', 's.occurred_at')) }} as action_due_on
from states as s
left join open_deals as d on d.account_id = s.account_id
-- only where somebody stands now is there something to do
left join {{ ref('awareness_actions') }} as a
    on
        a.awareness_state = s.awareness_state
        and a.has_open_deal = (d.account_id is not null)
        and s.left_at is null
