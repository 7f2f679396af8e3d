{# deals as their purchase went: who took part, what it took, and what was used before #}
{% set day_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
with deals as (
    select
        c.deal_id,
        c.account_id,
        c.deal_state,
        c.created_at,
        c.closed_at,
        d.presales_hours,
        {{ in_cny('d.amount') }} as amount_cny,
        lower(trim(d.prior_solution)) as prior_text,
        nullif(trim(d.closed_reason), '') as closed_reason
    from {{ ref('int_crm__deals_classified') }} as c
    inner join {{ ref('stg_crm__deals') }} as d on d.deal_id = c.deal_id
    left join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(d.currency)), 'CNY')
    where c.account_id is not null
),

first_wins as (
    select
        account_id,
        min(closed_at) as won_at
    from deals
    where deal_state = 'won'
    group by account_id
),

competitors as (
    select distinct lower(trim(competitor)) as competitor
    from {{ ref('stg_crm__deals') }}
    where competitor is not null and trim(competitor) <> ''
),

texts as (
    select distinct prior_text
    from deals
    where prior_text <> ''
),

patterned as (
    select
        t.prior_text,
        p.prior_solution,
        row_number() over (partition by t.prior_text order by p.place) as turn
    from texts as t
    inner join {{ ref('prior_solution_patterns') }} as p on {{ matches('t.prior_text', 'p.pattern') }}
),

-- a name that is no word for anything else is the product of another vendor only where the CRM calls it a competitor
read as (
    select
        t.prior_text,
        coalesce(
            a.value, p.prior_solution, case when c.competitor is not null then 'competitor' else 'other' end
        ) as prior_solution,
        a.value is null and coalesce(p.prior_solution, 'competitor') = 'competitor' as is_product
    from texts as t
    left join {{ ref('attribute_terms') }} as a on a.attribute = 'prior_solution' and a.term = t.prior_text
    left join patterned as p on p.prior_text = t.prior_text and p.turn = 1
    left join competitors as c on c.competitor = t.prior_text
),

recorded as (
    select
        account_id,
        value as prior_solution,
        as_of
    from {{ ref('account_attributes') }}
    where attribute = 'prior_solution' and is_selected
),

people as (
    select * from {{ ref('int_portraits__deal_people') }}
),

deciders as (
    select
        p.deal_id,
        p.job_function,
        row_number() over (
            partition by p.deal_id order by c.influence_score desc nulls last, c.contact_id asc
        ) as place
    from people as p
    inner join {{ ref('contacts') }} as c on c.contact_id = p.contact_id
    where p.decision_role = 'final' and p.job_function is not null
),

stakeholders as (
    select
        deal_id,
        count(distinct contact_id) as stakeholder_count
    from people
    group by deal_id
),

meetings as (
    select
        a.deal_id,
        count(*) as meeting_count
    from {{ ref('stg_crm__activities') }} as a
    inner join deals as d on d.deal_id = a.deal_id
    inner join {{ ref('activity_types') }} as t on t.source_type = lower(trim(a.activity_type))
    where
        t.activity_type in ('meeting', 'demo')
        and a.occurred_at < {{ day_end }} and a.occurred_at <= coalesce(d.closed_at, a.occurred_at)
    group by a.deal_id
),

-- deals without any activity are not known to have had no meeting
touched as (
    select distinct deal_id
    from {{ ref('stg_crm__activities') }}
    where deal_id is not null and occurred_at < {{ day_end }}
)

select
    d.deal_id,
    d.account_id,
    d.deal_state,
    d.created_at,
    d.closed_at,
    d.amount_cny,
    case
        when d.closed_at >= d.created_at then {{ days_between('d.created_at', 'd.closed_at') }}
    end as cycle_days,
    -- after the first win what was used before is our own product
    coalesce(d.created_at <= w.won_at, true) as is_first_purchase,
    coalesce(r.prior_solution, a.prior_solution) as prior_solution,
    case when r.is_product then d.prior_text end as prior_product,
    case when r.prior_solution is not null then 'deal' when a.prior_solution is not null then 'account' end
        as prior_known_by,
    case when d.deal_state = 'lost' then d.closed_reason end as lost_reason,
    f.job_function as final_decider,
    s.stakeholder_count,
    case when t.deal_id is not null then coalesce(m.meeting_count, 0) end as meeting_count,
    cast(d.presales_hours as double) as presales_hours
from deals as d
left join first_wins as w on w.account_id = d.account_id
left join read as r on r.prior_text = d.prior_text
-- what was learned of the account after the decision may be our own doing
left join recorded as a
    on
        a.account_id = d.account_id
        and coalesce(a.as_of, cast('0001-01-01' as date))
        <= coalesce(cast(d.closed_at as date), cast('9999-12-31' as date))
left join deciders as f on f.deal_id = d.deal_id and f.place = 1
left join stakeholders as s on s.deal_id = d.deal_id
left join meetings as m on m.deal_id = d.deal_id
left join touched as t on t.deal_id = d.deal_id
