{# the check-up of an account on one line: what it is, why it is so, how to go on. Rules are a seed #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set text = dbt.type_string() %}
{% set measures = [
    ('days_without_touch', 'days_without_touch', 'case when last_touch_at is not null then 1 end'),
    ('usage_days', 'usage_day_count', 'case when usage_day_count is not null then 1 end'),
    ('nps', 'nps_score', 'nps_responses'),
    ('overdue_invoices', 'overdue_invoice_count', 'case when overdue_invoice_count is not null then 1 end'),
    ('days_late', 'days_late', 'won_deal_count'),
    ('support_hours_per_10k', 'support_hours_per_10k', 'case when support_hours_per_10k is not null then 1 end'),
    ('uncovered_roles', 'uncovered_roles', 'case when uncovered_roles is not null then 1 end'),
    ('contacts', 'contact_count', '1'),
    ('fit_score', 'icp_fit_score', 'case when icp_fit_score is not null then 1 end')
] %}
with chains as (
    select
        account_id,
        sum(case when is_required and not is_covered then 1 else 0 end) as uncovered_roles
    from {{ ref('decision_chains') }}
    group by account_id
),

-- the step that the account's awareness asks for, where no risk asks for another
nurtured as (
    select
        account_id,
        action_zh,
        action_en,
        action_owner,
        row_number() over (partition by account_id order by entered_at desc, awareness_state_id asc) as place
    from {{ ref('awareness_states') }}
    where subject_type = 'account' and is_current and action_en is not null
),

looked_at as (
    select
        a.*,
        c.uncovered_roles,
        {{ days_between(local_date('a.last_touch_at'), night) }} as days_without_touch,
        case
            when a.journey_stage = 'churn' then 'lost'
            when a.won_deal_count > 0 then 'customer'
            when a.open_deal_count > 0 then 'open_deal'
            else 'prospect'
        end as standing
    from {{ ref('accounts') }} as a
    left join chains as c on c.account_id = a.account_id
),

-- who bought and buys again is looked at as both
scopes as (
    select
        account_id,
        standing as applies_to
    from looked_at
    union
    select
        account_id,
        'open_deal' as applies_to
    from looked_at
    where open_deal_count > 0
),

measured as (
    {% for measure, amount, n in measures %}
        select
            account_id,
            '{{ measure }}' as measure,
            cast({{ amount }} as double) as amount,
            coalesce(cast({{ n }} as bigint), 0) as n
        from looked_at
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

judged as (
    select
        s.account_id,
        r.rule,
        r.measure,
        r.kind,
        r.weight,
        r.action_zh,
        r.action_en,
        r.action_owner,
        m.amount is not null and m.n >= r.min_n as is_known,
        m.amount is not null
        and m.n >= r.min_n
        and (r.at_least is null or m.amount >= r.at_least)
        and (r.at_most is null or m.amount <= r.at_most) as is_so,
    {% for language in ('zh', 'en') %}
        replace(
            replace(
                r.says_{{ language }},
                '{value}',
                case
                    when m.amount = round(m.amount, 0) then cast(cast(m.amount as bigint) as {{ text }})
                    else cast(cast(m.amount as decimal(38, 1)) as {{ text }})
                end
            ),
            '{n}',
            cast(m.n as {{ text }})
        ) as says_{{ language }}{{ ',' if not loop.last }}
    {% endfor %}
    from scopes as s
    inner join {{ ref('health_rules') }} as r on r.applies_to = s.applies_to
    inner join measured as m on m.account_id = s.account_id and m.measure = r.measure
),

ranked as (
    select
        *,
        row_number() over (
            partition by account_id, kind, is_so, action_en is not null order by weight desc, rule asc
        ) as place,
        row_number() over (partition by account_id order by weight desc, rule asc) as turn,
        row_number() over (partition by account_id, measure order by is_known desc, rule asc) as turn_of_measure
    from judged
),

summed as (
    select
        account_id,
        -- a measure that several rules ask for counts once
        count(case when turn_of_measure = 1 and is_known then measure end) as known_count,
        count(case when turn_of_measure = 1 then measure end) as asked_count,
        sum(case when is_so and kind = 'risk' then 1 else 0 end) as risk_count,
        sum(case when is_so and kind = 'risk' then weight else 0 end) as risk_weight,
        sum(case when is_so and kind = 'strength' then 1 else 0 end) as strength_count,
        {% for language, separator in (('zh', '；'), ('en', '; ')) %}
            {{ dbt.listagg(
                "case when is_so and kind = 'risk' then says_" ~ language ~ " end", "'" ~ separator ~ "'",
                'order by turn'
            ) }} as risks_{{ language }},
            {{ dbt.listagg(
                "case when is_so and kind = 'strength' then says_" ~ language ~ " end", "'" ~ separator ~ "'",
                'order by turn'
            ) }} as strengths_{{ language }},
        {% endfor %}
        max(case when is_so and kind = 'risk' and action_en is not null and place = 1 then rule end) as action_rule
    from ranked
    group by account_id
)

select
    l.account_id,
    l.standing,
    l.journey_stage,
    l.tier,
    case
        when s.known_count < least({{ value_parameter('health_known_min') }}, s.asked_count) then 'unknown'
        when s.risk_weight >= {{ value_parameter('health_risk_weight') }} then 'at_risk'
        when s.risk_count > 0 then 'watch'
        else 'good'
    end as health,
    cast(s.risk_count as bigint) as risk_count,
    cast(s.risk_weight as double) as risk_weight,
    cast(s.strength_count as bigint) as strength_count,
    cast(s.known_count as bigint) as known_count,
    cast(s.asked_count as bigint) as asked_count,
    cast(l.days_without_touch as bigint) as days_without_touch,
    cast(l.uncovered_roles as bigint) as uncovered_role_count,
    s.risks_zh,
    s.risks_en,
    s.strengths_zh,
    s.strengths_en,
    coalesce(s.action_rule, case when n.account_id is not null then 'awareness' end) as action_reason,
    coalesce(r.action_zh, n.action_zh) as next_action_zh,
    coalesce(r.action_en, n.action_en) as next_action_en,
    coalesce(r.action_owner, n.action_owner) as action_owner,
    case
        when s.known_count < least({{ value_parameter('health_known_min') }}, s.asked_count)
            then 'too little is known: touches, use, surveys, invoices'
    end as reason
from looked_at as l
inner join summed as s on s.account_id = l.account_id
left join {{ ref('health_rules') }} as r on r.rule = s.action_rule
left join nurtured as n on n.account_id = case when s.action_rule is null then l.account_id end and n.place = 1
