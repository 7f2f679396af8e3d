{# MVP, high value, ordinary, new, relationship, mass: the first rule of the seed of which every condition holds #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set measures = [
    'won_deal_count', 'margin_rank', 'satisfaction', 'decider_count', 'spend_rank', 'referral_count', 'usage_rank',
    'users_rank', 'open_rank', 'is_partner', 'usage_count', 'days_known'
] %}
with deciders as (
    select
        account_id,
        count(*) as decider_count
    from {{ ref('contacts') }}
    where has_decision_power
    group by account_id
),

partners as (
    select distinct account_id
    from {{ ref('account_attributes') }}
    where attribute = 'company_relation' and value = 'partner' and is_selected
),

facts as (
    select
        v.account_id,
        v.won_deal_count,
        {{ percentile_rank('v.gross_margin') }} as margin_rank,
        v.satisfaction,
        coalesce(d.decider_count, 0) as decider_count,
        {{ percentile_rank('v.won_revenue_cny') }} as spend_rank,
        v.referral_count,
        {{ percentile_rank('nullif(v.usage_day_count, 0)') }} as usage_rank,
        {{ percentile_rank('nullif(v.active_user_count, 0)') }} as users_rank,
        {{ percentile_rank('case when v.open_amount_cny > 0 then v.open_amount_cny end') }} as open_rank,
        case when p.account_id is null then 0 else 1 end as is_partner,
        v.usage_count,
        {{ days_between(local_date('v.known_since'), night) }} as days_known
    from {{ ref('int_accounts__value') }} as v
    left join deciders as d on d.account_id = v.account_id
    left join partners as p on p.account_id = v.account_id
),

measured as (
    {% for measure in measures %}
        select
            account_id,
            '{{ measure }}' as measure,
            cast(round({{ measure }}, 4) as double) as value
        from facts
        where {{ measure }} is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

conditions as (
    select
        *,
        count(*) over (partition by rule) as condition_count
    from {{ ref('value_class_rules') }}
),

met as (
    select
        m.account_id,
        m.measure,
        c.rule,
        c.value_class,
        c.priority,
        c.condition_count,
        concat(c.reason, ' (', m.measure, ' ', cast(m.value as {{ dbt.type_string() }}), ')') as finding
    from measured as m
    inner join conditions as c
        on
            c.measure = m.measure
            and (c.at_least is null or c.at_least <= m.value)
            and (c.below is null or c.below > m.value)
),

held as (
    select
        account_id,
        rule,
        value_class,
        priority,
        {{ dbt.listagg('finding', "'; '", 'order by measure') }} as evidence
    from met
    group by account_id, rule, value_class, priority, condition_count
    having count(*) = condition_count
),

placed as (
    select
        *,
        row_number() over (partition by account_id order by priority asc, rule asc) as place
    from held
)

select
    account_id,
    value_class,
    rule as value_class_rule,
    evidence as value_class_evidence
from placed
where place = 1
