{# everything that says where an account stands, in one list, up to the end of the night's date #}
{% set cycle_gap = 'cast(' ~ journey_parameter('cycle_gap_days') ~ ' as integer)' %}
with companies as (
    select
        source_id,
        account_id
    from {{ source('identity', 'companies') }}
    where source_system = 'crm'
),

deals as (
    select
        d.*,
        row_number() over (partition by d.deal_id order by r.priority) as place,
        coalesce(r.reason, case when d.closed_reason is not null then 'other' end) as reason
    from {{ ref('int_crm__deals_classified') }} as d
    left join {{ ref('closing_reasons') }} as r on {{ matches('lower(d.closed_reason)', 'r.words') }}
    where d.account_id is not null
),

steps as (
    select * from {{ ref('int_journey__deal_steps') }}
),

openings as (
    select distinct
        account_id,
        deal_id,
        opened_at,
        ended_at
    from steps
),

-- of several deals the one that opened first leads, as long as something happens in it
beside as (
    select distinct
        s.deal_id,
        s.step
    from steps as s
    inner join openings as o
        on
            o.account_id = s.account_id
            and o.deal_id <> s.deal_id
            and (o.opened_at < s.opened_at or (o.opened_at = s.opened_at and o.deal_id < s.deal_id))
            and o.ended_at > s.occurred_at
),

-- the first step of a deal long after all deals before it begins a new purchase
cycles as (
    select
        s.deal_id,
        max(o.ended_at) as last_ended_at
    from openings as s
    inner join openings as o
        on
            o.account_id = s.account_id
            and o.deal_id <> s.deal_id
            and (o.opened_at < s.opened_at or (o.opened_at = s.opened_at and o.deal_id < s.deal_id))
    group by s.deal_id
),

customers as (
    select * from {{ ref('int_journey__customer_spans') }}
),

-- the deal that begins a purchase after the customer left
comebacks as (
    select
        c.account_id,
        c.occurred_at as left_at,
        min(s.occurred_at) as occurred_at
    from customers as c
    inner join steps as s
        on
            s.account_id = c.account_id
            and s.step = 1
            and s.occurred_at > c.occurred_at
            and (s.occurred_at < c.until_at or c.until_at is null)
    where not c.is_customer
    group by c.account_id, c.occurred_at
),

deal_steps as (
    select
        s.account_id,
        s.deal_id,
        s.journey_stage,
        s.occurred_at,
        case
            when c.is_customer then 'deal:customer'
            when b.deal_id is not null then 'deal:beside'
            when
                s.is_fall
                or k.account_id is not null
                or (
                    s.step = 1
                    and s.occurred_at >= {{ dbt.dateadd('day', cycle_gap, 'y.last_ended_at') }}
                )
                then concat('deal:', s.journey_stage, ' again')
            else concat('deal:', s.journey_stage)
        end as evidence
    from steps as s
    left join beside as b on b.deal_id = s.deal_id and b.step = s.step
    left join cycles as y on y.deal_id = s.deal_id
    left join customers as c
        on
            c.account_id = s.account_id
            and c.occurred_at < s.occurred_at
            and coalesce(c.until_at, cast('9999-12-31' as {{ timestamp_type() }})) >= s.occurred_at
    left join comebacks as k
        on k.account_id = case when s.step = 1 then s.account_id end and k.occurred_at = s.occurred_at
),

stamps as (
    select
        c.account_id,
        h.entered_at as occurred_at,
        l.journey_stage
    from {{ ref('stg_crm__lifecycle_stage_history') }} as h
    inner join {{ ref('lifecycle_journey') }} as l on l.source_stage = lower(trim(h.stage))
    inner join companies as c on c.source_id = h.record_id
    where h.record_type = 'company' and l.journey_stage <> 'churn'
),

usage as (
    select
        c.account_id,
        u.usage_date,
        sum(coalesce(u.usage_count, 1)) as usage_count
    from {{ ref('stg_crm__product_usage') }} as u
    inner join companies as c on c.source_id = u.company_id
    group by c.account_id, u.usage_date
),

-- where the CRM keeps no deals of an account, use itself tells that it has bought
bought as (
    select
        account_id,
        min(first_at) as first_at
    from (
        select
            account_id,
            min(occurred_at) as first_at
        from customers
        where is_customer
        group by account_id
        union all
        select
            c.account_id,
            min(i.issued_at) as first_at
        from {{ ref('stg_crm__invoices') }} as i
        inner join companies as c on c.source_id = i.company_id
        where not coalesce(i.is_deleted, false) and i.amount > 0
        group by c.account_id
    ) as signs
    group by account_id
),

with_deals as (
    select distinct account_id from deals
),

answers as (
    select
        c.account_id,
        v.responded_at as occurred_at,
        case
            when s.promoter_from is null and (v.score - s.lowest) / (s.highest - s.lowest) >= 0.7 then 'pleasant'
            when s.promoter_from is null then 'unpleasant'
            when v.score >= s.promoter_from then 'satisfied'
            when v.score <= s.detractor_to then 'unsatisfied'
        end as reason
    from {{ ref('stg_crm__surveys') }} as v
    inner join companies as c on c.source_id = v.company_id
    inner join {{ ref('survey_scales') }} as s on s.survey_type = lower(trim(v.survey_type))
    where v.score between s.lowest and s.highest
),

evidence as (
    select
        account_id,
        occurred_at,
        evidence,
        cast(null as {{ dbt.type_string() }}) as reason_stage,
        cast(null as {{ dbt.type_string() }}) as reason
    from deal_steps
    union all
    select
        c.account_id,
        c.occurred_at,
        c.evidence,
        case
            when c.evidence in ('deal:churn', 'silence:usage', 'silence:invoices') then 'churn'
            when c.evidence in ('deal:renew', 'deal:renew again') then 'renew'
        end as reason_stage,
        case
            when c.evidence = 'deal:churn' then d.reason
            when c.evidence in ('silence:usage', 'silence:invoices') then 'silence'
            when c.evidence in ('deal:renew', 'deal:renew again') and d.discount_pct > 0 then 'discount'
        end as reason
    from customers as c
    left join deals as d on d.deal_id = c.deal_id and d.place = 1
    union all
    select
        account_id,
        closed_at as occurred_at,
        'deal:lost' as evidence,
        'decide' as reason_stage,
        reason
    from deals
    where place = 1 and deal_state = 'lost' and closed_at is not null and coalesce(deal_kind, 'new') <> 'renewal'
    union all
    select
        account_id,
        occurred_at,
        concat('lifecycle:', journey_stage) as evidence,
        cast(null as {{ dbt.type_string() }}) as reason_stage,
        cast(null as {{ dbt.type_string() }}) as reason
    from stamps
    union all
    select
        account_id,
        occurred_at,
        evidence,
        reason_stage,
        reason
    from {{ ref('int_journey__pages_read') }}
    where account_id is not null
    union all
    select
        t.account_id,
        t.occurred_at,
        case
            when t.touchpoint_type = 'crm_activity' then concat('activity:', t.channel) else t.touchpoint_type
        end as evidence,
        case when i.reason is not null then 'seek' end as reason_stage,
        i.reason
    from {{ ref('touchpoints') }} as t
    left join {{ ref('seek_intents') }} as i
        on i.channel = case when t.touchpoint_type = 'web_session' then t.channel end
    where t.account_id is not null and t.touchpoint_type <> 'deal_created'
    union all
    select
        u.account_id,
        {{ start_of_day('u.usage_date') }} as occurred_at,
        case
            when d.account_id is null or {{ start_of_day('u.usage_date') }} >= b.first_at then 'usage'
            else 'usage:trial'
        end as evidence,
        cast(null as {{ dbt.type_string() }}) as reason_stage,
        cast(null as {{ dbt.type_string() }}) as reason
    from usage as u
    left join with_deals as d on d.account_id = u.account_id
    left join bought as b on b.account_id = u.account_id
    where u.usage_count > 0
    union all
    select
        c.account_id,
        i.issued_at as occurred_at,
        'invoice' as evidence,
        cast(null as {{ dbt.type_string() }}) as reason_stage,
        cast(null as {{ dbt.type_string() }}) as reason
    from {{ ref('stg_crm__invoices') }} as i
    inner join companies as c on c.source_id = i.company_id
    where not coalesce(i.is_deleted, false) and i.amount > 0
    union all
    select
        c.account_id,
        t.opened_at as occurred_at,
        'ticket' as evidence,
        'use' as reason_stage,
        case when lower(trim(t.severity)) in ('urgent', 'high', 'critical') then 'unpleasant' end as reason
    from {{ ref('stg_crm__tickets') }} as t
    inner join companies as c on c.source_id = t.company_id
    inner join bought as b on b.account_id = c.account_id and b.first_at <= t.opened_at
    where not coalesce(t.is_deleted, false)
    union all
    select
        a.account_id,
        a.occurred_at,
        'survey' as evidence,
        'use' as reason_stage,
        a.reason
    from answers as a
    inner join bought as b on b.account_id = a.account_id and b.first_at <= a.occurred_at
),

-- a year of founding that most evidence contradicts is wrong itself
founded as (
    select
        account_id,
        cast(value_number as integer) as founded_year
    from {{ ref('account_attributes') }}
    where attribute = 'founded_year' and is_selected
),

dated as (
    select
        e.*,
        j.stream,
        j.journey_stage,
        o.stage_order,
        j.can_move_back,
        f.founded_year,
        extract(year from {{ local_date('e.occurred_at') }}) as evidence_year
    from evidence as e
    inner join {{ ref('journey_evidence') }} as j on j.evidence = e.evidence
    left join {{ ref('journey_stage_order') }} as o on o.journey_stage = j.journey_stage
    left join founded as f on f.account_id = e.account_id
    where e.occurred_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
),

judged as (
    select
        *,
        sum(case when evidence_year < founded_year then 1 else 0 end) over (partition by account_id) as early_count,
        count(*) over (partition by account_id) as all_count
    from dated
)

select
    account_id,
    occurred_at,
    evidence,
    stream,
    journey_stage,
    stage_order,
    can_move_back,
    reason_stage,
    reason,
    evidence_year < {{ journey_parameter('earliest_year') }}
    or (coalesce(evidence_year < founded_year, false) and early_count * 2 < all_count) as is_impossible
from judged
