{# what personas are used for: which content, case, collateral, demo answer and onboarding step serves whom, what is
   missing, how a persona is sold to, and what a customer of it costs and brings #}
{% set z = portrait_parameter('confidence_z') %}
{% set min_cell = persona_threshold('min_cell_customers') %}
{% set text = dbt.type_string() %}
{% set uses = ['case', 'collateral', 'demo_answer', 'onboarding_step'] %}
-- everybody, and each persona; number 0 is the background
with members as (
    select
        'all' as persona,
        account_id
    from {{ ref('accounts') }}
    union all
    select
        cast(persona_number as {{ text }}) as persona,
        account_id
    from {{ ref('int_personas__memberships') }}
    where persona_number > 0
),

reads as (
    select
        m.persona,
        r.role as decision_role,
        r.content_type,
        r.account_id
    from {{ ref('int_behaviour__content_reads') }} as r
    inner join members as m on m.account_id = r.account_id
    where r.role <> 'unknown'
),

readers as (
    select
        persona,
        decision_role,
        count(distinct account_id) as account_count
    from reads
    group by persona, decision_role
),

items as (
    select
        content_type,
        count(*) as asset_count
    from {{ ref('int_content__classified') }}
    group by content_type
),

content as (
    select
        'content' as use_case,
        r.persona,
        r.decision_role,
        'content_type' as aspect,
        r.content_type as value,
        count(distinct r.account_id) as k,
        max(a.account_count) as n,
        coalesce(max(i.asset_count), 0) as asset_count,
        cast(null as double) as amount
    from reads as r
    inner join readers as a on a.persona = r.persona and a.decision_role = r.decision_role
    left join items as i on i.content_type = r.content_type
    group by r.persona, r.decision_role, r.content_type
),

-- what each role doubts, wants and suffers from, the most frequent first
needs as (
    select
        persona,
        decision_role,
        aspect,
        value,
        k,
        n
    from {{ ref('decision_maker_personas') }}
    where
        aspect in ('obstacle', 'pain', 'goal', 'purchase_reason')
        and decision_role <> 'all'
        and stage is null
        and rate is not null
        and value_rank <= 3
),

uses as (
    {% for use in uses %}
        select '{{ use }}' as use_case
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

registered as (
    select
        use_case,
        count(*) as use_count
    from {{ ref('persona_assets') }}
    group by use_case
),

-- an asset without a role serves every role
answers as (
    select
        u.use_case,
        d.persona,
        d.decision_role,
        d.aspect,
        d.value,
        d.k,
        d.n,
        count(a.asset) as asset_count,
        cast(null as double) as amount
    from needs as d
    cross join uses as u
    left join {{ ref('persona_assets') }} as a
        on
            a.use_case = u.use_case
            and a.aspect = d.aspect
            and a.value = d.value
            and (a.decision_role is null or a.decision_role = d.decision_role)
    group by u.use_case, d.persona, d.decision_role, d.aspect, d.value, d.k, d.n
),

sold_to as (
    select
        m.persona,
        a.sales_motion,
        a.won_deal_count,
        a.ltv_cny,
        a.cac_cny
    from {{ ref('accounts') }} as a
    inner join members as m on m.account_id = a.account_id
),

motions as (
    select
        'sales_motion' as use_case,
        persona,
        'all' as decision_role,
        'sales_motion' as aspect,
        sales_motion as value,
        count(*) as k,
        sum(count(*)) over (partition by persona) as n,
        cast(null as bigint) as asset_count,
        cast(null as double) as amount
    from sold_to
    where won_deal_count > 0 and sales_motion is not null
    group by persona, sales_motion
),

-- of the customers of whom both are known: the sums' ratio, which a single small cost cannot blow up
spend as (
    select
        'spend' as use_case,
        persona,
        'all' as decision_role,
        'ltv_to_cac' as aspect,
        'all' as value,
        cast(null as bigint) as k,
        count(*) as n,
        cast(null as bigint) as asset_count,
        cast(sum(ltv_cny) as double) / nullif(cast(sum(cac_cny) as double), 0) as amount
    from sold_to
    where ltv_cny is not null and cac_cny is not null
    group by persona
),

told as (
    select * from content
    union all
    select * from answers
    union all
    select * from motions
    union all
    select * from spend
)

select
    {{ dbt.hash("concat_ws('|', t.use_case, t.persona, t.decision_role, t.aspect, t.value)") }} as persona_usage_id,
    t.use_case,
    t.persona,
    t.decision_role,
    t.aspect,
    t.value,
    cast(t.k as bigint) as k,
    cast(t.n as bigint) as n,
    case when t.n >= {{ min_cell }} then round(cast(t.k as double) / t.n, 6) end as share,
    case when t.n >= {{ min_cell }} then round({{ wilson_bound('t.k', 't.n', z, 'lower') }}, 6) end as share_low,
    case when t.n >= {{ min_cell }} then round({{ wilson_bound('t.k', 't.n', z, 'upper') }}, 6) end as share_high,
    cast(t.asset_count as bigint) as asset_count,
    t.asset_count > 0 as is_covered,
    case when t.n >= {{ min_cell }} then round(t.amount, 4) end as amount,
    case
        when t.n < {{ min_cell }} then 'known of too few: below min_cell_customers'
        when
            t.use_case in ('{{ uses | join("', '") }}')
            and r.use_count is null
            then 'none is registered in the seed persona_assets'
    end as reason
from told as t
left join registered as r on r.use_case = t.use_case
