{# deals with the house's words for their stage: what the CRM's flags say stands over the stage's name, and a stage that
   nobody mapped stays open and is counted #}
with deals as (
    select * from {{ ref('stg_crm__deals') }}
    where not coalesce(is_deleted, false)
),

companies as (
    select
        source_id,
        account_id
    from {{ source('identity', 'companies') }}
    where source_system = 'crm'
)

select
    d.deal_id,
    c.account_id,
    d.stage as source_stage,
    case
        when d.is_won then 'won'
        when not d.is_closed then 'open'
        -- closed, but the CRM does not flag wins: then only the stage can say so
        when d.is_closed and d.is_won is null and s.deal_state = 'won' then 'won'
        when d.is_closed then 'lost'
        when not d.is_won and s.deal_state = 'won' then 'open'
        else coalesce(s.deal_state, 'open')
    end as deal_state,
    coalesce(s.journey_stage, 'weigh') as journey_stage,
    s.source_stage is not null as is_stage_mapped,
    k.deal_kind,
    d.product,
    d.amount,
    d.currency,
    d.discount_pct,
    d.competitor,
    d.closed_reason,
    d.presales_hours,
    d.created_at,
    d.closed_at
from deals as d
left join companies as c on c.source_id = d.company_id
left join {{ ref('deal_stages') }} as s on s.source_stage = lower(trim(d.stage))
left join {{ ref('deal_kinds') }} as k on k.source_pipeline = lower(trim(d.pipeline))
