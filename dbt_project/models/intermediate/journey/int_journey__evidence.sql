{# everything that says where an account stands, in one list #}
with deals as (
    select * from {{ ref('int_crm__deals_classified') }} where account_id is not null
),
stage_history as (
    select
        d.account_id,
        h.entered_at as occurred_at,
        coalesce(s.journey_stage, 'weigh') as journey_stage,
        h.deal_id
    from {{ ref('stg_crm__deal_stage_history') }} as h
    inner join deals as d on d.deal_id = h.deal_id
    left join {{ ref('deal_stages') }} as s on s.source_stage = lower(trim(h.stage))
    where coalesce(s.deal_state, 'open') = 'open'
),
first_wins as (
    select account_id, min(closed_at) as first_won_at
    from deals where deal_state = 'won' and closed_at is not null
    group by account_id
),
deal_evidence as (
    select account_id, occurred_at, journey_stage, deal_id from stage_history
    union all
    -- a deal without a history still has a beginning
    select account_id, created_at, 'weigh', deal_id from deals
    where created_at is not null and deal_id not in (select deal_id from stage_history)
),
evidence as (
    select
        e.account_id,
        e.occurred_at,
        case when e.occurred_at > w.first_won_at then 'deal:customer' else concat('deal:', e.journey_stage) end as evidence
    from deal_evidence as e
    left join first_wins as w on w.account_id = e.account_id
    union all
    select
        d.account_id,
        d.closed_at,
        case when d.closed_at > w.first_won_at then 'deal:renew' else 'deal:use' end
    from deals as d
    inner join first_wins as w on w.account_id = d.account_id
    where d.deal_state = 'won' and d.closed_at is not null
    union all
    select
        account_id,
        occurred_at,
        case
            when touchpoint_type = 'crm_activity' then concat('activity:', channel)
            else touchpoint_type
        end
    from {{ ref('touchpoints') }}
    where account_id is not null and touchpoint_type <> 'deal_created'
)
select
    e.account_id,
    e.occurred_at,
    e.evidence,
    j.journey_stage,
    o.stage_order,
    j.can_move_back
from evidence as e
inner join {{ ref('journey_evidence') }} as j on j.evidence = e.evidence
inner join {{ ref('journey_stage_order') }} as o on o.journey_stage = j.journey_stage
where e.occurred_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
