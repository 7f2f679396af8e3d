{# the profile that is aimed at against what each step of the funnel holds, and the step at which drift enters. The
   profile is a seed; of an attribute that it does not name the benchmark customers are the aim, another seed, and where
   none of these is found, the best customers #}
{% set z = portrait_parameter('confidence_z') %}
{% set min_cell = persona_threshold('min_cell_customers') %}
{% set text = dbt.type_string() %}
{% set attributes = [
    'industry_section', 'employee_band', 'province', 'org_type', 'industry_chain_position', 'digital_maturity',
    'target_market',
] %}
with stepped as (
    select
        account_id,
        'visitor' as step,
        1 as step_order
    from {{ ref('sessions') }}
    where account_id is not null and not is_bot and not is_own_traffic
    union
    select
        account_id,
        'follower' as step,
        2 as step_order
    from {{ ref('follower_episodes') }}
    where account_id is not null
    union
    select
        account_id,
        stage as step,
        stage_order + 2 as step_order
    from {{ ref('lead_stages') }}
    where account_id is not null and stage <> 'lost'
),

described as (
    {% for attribute in attributes %}
        select
            account_id,
            '{{ attribute }}' as attribute,
            cast({{ attribute }} as {{ text }}) as value
        from {{ ref('accounts') }}
        where {{ attribute }} is not null
        union all
    {% endfor %}
    -- whom we meet there: the rival of the account's latest deal that names one
    select
        account_id,
        'competitor' as attribute,
        competitor as value
    from (
        select
            account_id,
            trim(competitor) as competitor,
            row_number() over (partition by account_id order by created_at desc, deal_id asc) as place
        from {{ ref('int_crm__deals_classified') }}
        where account_id is not null and trim(competitor) <> ''
    ) as rivals
    where place = 1
),

stated as (
    select
        attribute,
        value,
        share / sum(share) over (partition by attribute) as target_share
    from {{ ref('target_profile') }}
    where share is not null
),

benchmarks as (
    {{ accounts_named_in('benchmark_customers') }}
),

like_whom as (
    select
        account_id,
        'benchmark customers' as basis
    from benchmarks
    where account_id is not null
    union
    select
        account_id,
        'best customers' as basis
    from {{ ref('best_customers') }}
    where
        rank_number <= {{ persona_threshold('best_customers_compared') }}
        and (select count(b.account_id) from benchmarks as b) = 0
),

alike as (
    select
        d.attribute,
        d.value,
        cast(count(*) as double) / sum(count(*)) over (partition by d.attribute) as target_share,
        l.basis
    from described as d
    inner join like_whom as l on l.account_id = d.account_id
    where
        d.attribute <> 'competitor'
        and d.attribute not in (select s.attribute from stated as s)
    group by d.attribute, d.value, l.basis
),

targets as (
    select
        *,
        'target profile' as basis
    from stated
    union all
    select * from alike
),

bases as (
    select distinct
        attribute,
        basis
    from targets
),

known as (
    select
        s.step,
        s.step_order,
        d.attribute,
        d.value,
        count(*) over (partition by s.step, d.attribute) as n
    from stepped as s
    inner join described as d on d.account_id = s.account_id
    where d.attribute in (select t.attribute from targets as t)
),

counted as (
    select
        step,
        step_order,
        attribute,
        value,
        n,
        count(*) as k
    from known
    group by step, step_order, attribute, value, n
),

steps as (
    select distinct
        step,
        step_order,
        attribute,
        n
    from known
),

-- every value that is aimed at or there
cells as (
    select
        s.step,
        s.step_order,
        s.attribute,
        t.value,
        s.n
    from steps as s
    inner join targets as t on t.attribute = s.attribute
    union
    select
        step,
        step_order,
        attribute,
        value,
        n
    from counted
),

compared as (
    select
        c.step,
        c.step_order,
        c.attribute,
        c.value,
        c.n,
        coalesce(k.k, 0) as k,
        coalesce(t.target_share, 0.0) as target_share,
        cast(coalesce(k.k, 0) as double) / c.n as actual_share
    from cells as c
    left join counted as k
        on k.step = c.step and k.attribute = c.attribute and k.value = c.value
    left join targets as t on t.attribute = c.attribute and t.value = c.value
),

-- total variation: the share of accounts that would have to be others. Drawn from the target itself, a sample of n
-- differs by the mean deviation of a binomial share, sqrt(2 p (1 - p) / (pi n)) in each value (de Moivre)
distances as (
    select
        step,
        step_order,
        attribute,
        n,
        0.5 * sum(abs(actual_share - target_share)) as distance,
        0.5 * sum(sqrt(2 * target_share * (1 - target_share) / (3.14159265358979 * n))) as distance_by_chance
    from compared
    group by step, step_order, attribute, n
),

followed as (
    select
        *,
        distance - lag(distance) over (partition by attribute order by step_order) as drift,
        lag(distance_by_chance) over (partition by attribute order by step_order) as chance_before
    from distances
    where n >= {{ min_cell }}
),

-- a step lets drift in where the distance grows by more than both samples differ by chance; the largest is the one
drifted as (
    select
        *,
        row_number() over (
            partition by attribute
            order by case when drift > distance_by_chance + chance_before then drift else -1 end desc, step_order asc
        ) as place,
        coalesce(drift > distance_by_chance + chance_before, false) as is_beyond_chance
    from followed
)

select
    {{ dbt.hash("concat_ws('|', c.attribute, c.value, c.step)") }} as target_vs_actual_id,
    c.attribute,
    coalesce(a.name_zh, f.name_zh, c.attribute) as attribute_name_zh,
    c.value,
    c.step,
    cast(c.step_order as bigint) as step_order,
    b.basis,
    cast(c.n as bigint) as n,
    cast(c.k as bigint) as k,
    round(c.target_share, 6) as target_share,
    case when d.attribute is not null then round(c.actual_share, 6) end as actual_share,
    case when d.attribute is not null then round({{ wilson_bound('c.k', 'c.n', z, 'lower') }}, 6) end as actual_low,
    case when d.attribute is not null then round({{ wilson_bound('c.k', 'c.n', z, 'upper') }}, 6) end as actual_high,
    case when d.attribute is not null then round(c.actual_share - c.target_share, 6) end as difference,
    round(d.distance, 6) as distance,
    round(d.distance_by_chance, 6) as distance_by_chance,
    round(d.drift, 6) as drift,
    coalesce(d.place = 1 and d.is_beyond_chance, false) as is_drift_step,
    case when d.attribute is null then 'fewer accounts than min_cell_customers' end as reason
from compared as c
inner join bases as b on b.attribute = c.attribute
left join drifted as d on d.attribute = c.attribute and d.step = c.step
left join {{ ref('attribute_rules') }} as a on a.attribute = c.attribute
left join {{ ref('persona_facets') }} as f on f.facet = c.attribute
