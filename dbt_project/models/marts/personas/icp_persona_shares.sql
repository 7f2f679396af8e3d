{# shares of the values of each facet among the customers of a group, and of what stopped the deals of its accounts #}
{% set z = 1.959964 %}
with segments as (
    select * from {{ ref('int_personas__segments') }}
),

deals as (
    select * from {{ ref('int_personas__deals') }}
),

attributes as (
    select
        account_id,
        attribute as facet,
        case when attribute = 'industry' then substring(value, 1, 1) else value end as value
    from {{ ref('int_personas__facts') }}
    where attribute <> 'prior_solution'
    union all
    select
        f.account_id,
        'employee_band' as facet,
        b.band as value
    from {{ ref('int_personas__facts') }} as f
    inner join {{ ref('employee_bands') }} as b
        on b.lower_bound <= f.value_number and (b.upper_bound > f.value_number or b.upper_bound is null)
    where f.attribute = 'employee_count'
),

-- of an account a value counts once, so that who buys often does not speak for others
told as (
    select
        s.persona_id,
        s.account_id as unit,
        case when a.facet = 'industry' then 'industry_section' else a.facet end as facet,
        a.value
    from segments as s
    inner join attributes as a on a.account_id = s.account_id
    where s.is_customer
    union
    select
        s.persona_id,
        s.account_id as unit,
        'prior_solution' as facet,
        d.prior_solution as value
    from segments as s
    inner join deals as d on d.account_id = s.account_id
    where s.is_customer and d.is_first_purchase and d.deal_state = 'won' and d.prior_solution is not null
    union
    select
        s.persona_id,
        d.deal_id as unit,
        'final_decider' as facet,
        d.final_decider as value
    from segments as s
    inner join deals as d on d.account_id = s.account_id
    where s.is_customer and d.deal_state = 'won' and d.final_decider is not null
    union
    select
        s.persona_id,
        d.deal_id as unit,
        'lost_reason' as facet,
        d.lost_reason as value
    from segments as s
    inner join deals as d on d.account_id = s.account_id
    where d.lost_reason is not null
),

counted as (
    select
        persona_id,
        facet,
        count(distinct unit) as n
    from told
    group by persona_id, facet
),

valued as (
    select
        persona_id,
        facet,
        value,
        count(distinct unit) as k
    from told
    group by persona_id, facet, value
),

judged as (
    select
        v.persona_id,
        f.section,
        v.facet,
        v.value,
        v.k,
        c.n,
        c.n >= {{ persona_threshold('min_cell_customers') }} as is_enough
    from valued as v
    inner join counted as c on c.persona_id = v.persona_id and c.facet = v.facet
    inner join {{ ref('persona_facets') }} as f on f.facet = v.facet
    -- what the CRM wrote in its own words is shown when several deals say it
    where v.facet <> 'lost_reason' or v.k >= {{ persona_threshold('min_cell_customers') }}
)

select
    {{ dbt.hash("concat_ws('|', persona_id, facet, value)") }} as icp_persona_share_id,
    persona_id,
    section,
    facet,
    value,
    row_number() over (partition by persona_id, facet order by k desc, value asc) as place,
    k,
    n,
    case when is_enough then round(cast(k as double) / n, 6) end as share,
    case when is_enough then round({{ wilson_bound('k', 'n', z, 'lower') }}, 6) end as share_low,
    case when is_enough then round({{ wilson_bound('k', 'n', z, 'upper') }}, 6) end as share_high,
    case when not is_enough then 'known of too few: below min_cell_customers' end as reason
from judged
