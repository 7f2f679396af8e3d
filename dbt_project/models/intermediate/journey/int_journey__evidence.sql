{# everything that says where an account stands, in one list, up to the end of the night's date #}
with deals as (
    select * from {{ ref('int_crm__deals_classified') }}
    where account_id is not null
),

stage_history as (
    select
        d.account_id,
        d.deal_id,
        h.entered_at as occurred_at,
        coalesce(s.journey_stage, 'weigh') as journey_stage
    from {{ ref('stg_crm__deal_stage_history') }} as h
    inner join deals as d on d.deal_id = h.deal_id
    left join {{ ref('deal_stages') }} as s on s.source_stage = lower(trim(h.stage))
    where
        coalesce(s.deal_state, 'open') = 'open'
        and h.entered_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
),

deal_steps as (
    select
        account_id,
        deal_id,
        occurred_at,
        journey_stage
    from stage_history
    union all
    -- a deal without a history still has a beginning
    select
        d.account_id,
        d.deal_id,
        d.created_at as occurred_at,
        'weigh' as journey_stage
    from deals as d
    where d.created_at is not null and d.deal_id not in (select h.deal_id from stage_history as h)
),

-- a deal enters its stages before it closes: closing dates without a time of day would say otherwise
dated_steps as (
    select
        s.account_id,
        s.deal_id,
        s.journey_stage,
        d.closed_at,
        d.deal_state,
        case
            when d.deal_state <> 'open' and d.closed_at < s.occurred_at then d.closed_at else s.occurred_at
        end as occurred_at
    from deal_steps as s
    inner join deals as d on d.deal_id = s.deal_id
),

deal_spans as (
    select
        s.account_id,
        s.deal_id,
        s.journey_stage,
        s.occurred_at,
        o.stage_order,
        coalesce(
            lead(s.occurred_at) over (partition by s.deal_id order by s.occurred_at, o.stage_order),
            case when s.deal_state <> 'open' then coalesce(s.closed_at, s.occurred_at) end
        ) as left_at
    from dated_steps as s
    inner join {{ ref('journey_stage_order') }} as o on o.journey_stage = s.journey_stage
),

-- a deal that begins or falls back moves nobody back while another one stands further
outrun_steps as (
    select distinct
        s.deal_id,
        s.occurred_at,
        s.journey_stage
    from deal_spans as s
    inner join deal_spans as other
        on
            other.account_id = s.account_id
            and other.stage_order > s.stage_order
            and other.occurred_at <= s.occurred_at
            and (other.left_at > s.occurred_at or other.left_at is null)
),

first_wins as (
    select
        account_id,
        min(closed_at) as first_won_at
    from deals
    where deal_state = 'won' and closed_at is not null
    group by account_id
),

evidence as (
    select
        s.account_id,
        s.occurred_at,
        case
            when s.occurred_at > w.first_won_at then 'deal:customer' else concat('deal:', s.journey_stage)
        end as evidence,
        r.deal_id is not null as is_outrun
    from deal_spans as s
    left join first_wins as w on w.account_id = s.account_id
    left join outrun_steps as r
        on r.deal_id = s.deal_id and r.occurred_at = s.occurred_at and r.journey_stage = s.journey_stage
    union all
    select
        d.account_id,
        d.closed_at as occurred_at,
        case when d.closed_at > w.first_won_at then 'deal:renew' else 'deal:use' end as evidence,
        false as is_outrun
    from deals as d
    inner join first_wins as w on w.account_id = d.account_id
    where d.deal_state = 'won' and d.closed_at is not null
    union all
    select
        account_id,
        occurred_at,
        case
            when touchpoint_type = 'crm_activity' then concat('activity:', channel) else touchpoint_type
        end as evidence,
        false as is_outrun
    from {{ ref('touchpoints') }}
    where account_id is not null
)

select
    e.account_id,
    e.occurred_at,
    e.evidence,
    j.journey_stage,
    o.stage_order,
    j.can_move_back and not e.is_outrun as can_move_back
from evidence as e
inner join {{ ref('journey_evidence') }} as j on j.evidence = e.evidence
inner join {{ ref('journey_stage_order') }} as o on o.journey_stage = j.journey_stage
where e.occurred_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
