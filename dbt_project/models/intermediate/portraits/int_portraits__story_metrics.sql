{# every metric that a story may tell, with where it stands; what is missing or rests on too few is not here #}
{% set text = dbt.type_string() %}
{% set min_cell = persona_threshold('min_cell_customers') %}
with customers as (
    select *
    from {{ ref('accounts') }}
    where won_deal_count > 0
),

firmographics as (
    {% for column in ['industry_name', 'province', 'employee_band'] %}
        select
            '{{ column }}' as slot,
            {{ column }} as value,
            count(*) as k,
            sum(count(*)) over () as n,
            row_number() over (order by count(*) desc, {{ column }} asc) as place
        from customers
        where {{ column }} is not null
        group by {{ column }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

industry_names as (
    select
        name_zh,
        min(name_en) as name_en
    from {{ ref('industries') }}
    group by name_zh
),

traits as (
    select
        t.attribute,
        t.value,
        t.share_best,
        t.best_n,
        t.value_words_zh as label_zh,
        t.value_words_en as label_en,
        row_number() over (order by t.log_odds desc, t.attribute asc, t.value asc) as place
    from {{ ref('int_personas__traits_worded') }} as t
    where
        t.persona_number = 0
        and t.is_distinguishing
        and t.value is not null
        and t.difference > 0
        and t.best_n >= {{ min_cell }}
        and t.share_best is not null
),

-- the post of most users, of whom the day is told
told_post as (
    select
        value as post,
        user_persona_id,
        rate,
        n,
        is_thin
    from {{ ref('user_personas') }}
    where post = 'all' and aspect = 'task' and value_rank = 1 and rate is not null
),

cycles as (
    select
        count(*) as n,
        {{ median_of('cycle_days') }} as amount
    from {{ ref('best_customers') }}
    where cycle_days is not null
),

metrics as (
    select
        'decision_maker_personas' as table_name,
        decision_role as scope,
        aspect as slot,
        decision_maker_persona_id as row_key,
        case when rate is not null then 'rate' else 'amount' end as metric_column,
        value,
        value_rank as place,
        coalesce(rate, amount) as metric_value,
        n,
        value_zh as label_zh,
        value_en as label_en,
        is_thin,
        false as is_guess
    from {{ ref('decision_maker_personas') }}
    where persona = 'all' and stage is null and step <> 'demographics' and coalesce(rate, amount) is not null
    union all
    select
        'user_personas' as table_name,
        cast(null as {{ text }}) as scope,
        u.aspect as slot,
        u.user_persona_id as row_key,
        case when u.rate is not null then 'rate' else 'amount' end as metric_column,
        u.value,
        u.value_rank as place,
        coalesce(u.rate, u.amount) as metric_value,
        u.n,
        u.value_zh as label_zh,
        u.value_en as label_en,
        u.is_thin,
        false as is_guess
    from {{ ref('user_personas') }} as u
    where u.post = 'all' and coalesce(u.rate, u.amount) is not null
    union all
    select
        'user_personas' as table_name,
        cast(null as {{ text }}) as scope,
        concat('post_', u.aspect) as slot,
        u.user_persona_id as row_key,
        'rate' as metric_column,
        u.value,
        u.value_rank as place,
        u.rate as metric_value,
        u.n,
        u.value_zh as label_zh,
        u.value_en as label_en,
        u.is_thin,
        false as is_guess
    from {{ ref('user_personas') }} as u
    inner join told_post as p on p.post = u.post
    where u.rate is not null
    union all
    select
        'user_personas' as table_name,
        cast(null as {{ text }}) as scope,
        'post' as slot,
        p.user_persona_id as row_key,
        'rate' as metric_column,
        p.post as value,
        1 as place,
        p.rate as metric_value,
        p.n,
        coalesce(f.name_zh, p.post) as label_zh,
        coalesce(f.name_en, p.post) as label_en,
        p.is_thin,
        false as is_guess
    from told_post as p
    left join {{ ref('job_functions') }} as f on f.job_function = p.post
    union all
    select
        'ecosystem_map' as table_name,
        cast(null as {{ text }}) as scope,
        'net_gain' as slot,
        e.ecosystem_post_id as row_key,
        'net_gain' as metric_column,
        e.post as value,
        cast(null as bigint) as place,
        e.net_gain as metric_value,
        e.people_count as n,
        e.post_zh as label_zh,
        e.post_en as label_en,
        e.people_count < {{ persona_threshold('persona_thin') }} as is_thin,
        e.is_guess
    from {{ ref('ecosystem_map') }} as e
    inner join told_post as p on p.post = e.post
    where e.persona = 'all' and e.net_gain is not null and e.people_count >= {{ min_cell }}
    union all
    select
        'accounts' as table_name,
        cast(null as {{ text }}) as scope,
        f.slot,
        concat(f.slot, '|', f.value) as row_key,
        f.slot as metric_column,
        f.value,
        f.place,
        round(cast(f.k as double) / f.n, 6) as metric_value,
        f.n,
        f.value as label_zh,
        coalesce(i.name_en, f.value) as label_en,
        f.n < {{ persona_threshold('persona_thin') }} as is_thin,
        false as is_guess
    from firmographics as f
    left join industry_names as i on i.name_zh = f.value and f.slot = 'industry_name'
    where f.n >= {{ min_cell }}
    union all
    select
        'int_personas__traits_tested' as table_name,
        cast(null as {{ text }}) as scope,
        'trait' as slot,
        concat(attribute, '|', value) as row_key,
        'share_best' as metric_column,
        value,
        place,
        round(share_best, 6) as metric_value,
        best_n as n,
        label_zh,
        label_en,
        best_n < {{ persona_threshold('persona_thin') }} as is_thin,
        false as is_guess
    from traits
    union all
    select
        'best_customers' as table_name,
        cast(null as {{ text }}) as scope,
        'cycle_days' as slot,
        'cycle_days' as row_key,
        'cycle_days' as metric_column,
        cast(null as {{ text }}) as value,
        cast(null as bigint) as place,
        amount as metric_value,
        n,
        cast(null as {{ text }}) as label_zh,
        cast(null as {{ text }}) as label_en,
        n < {{ persona_threshold('persona_thin') }} as is_thin,
        false as is_guess
    from cycles
    where n >= {{ min_cell }}
)

select
    {{ dbt.hash("concat_ws('|', table_name, coalesce(scope, ''), slot, row_key)") }} as story_metric_id,
    table_name,
    scope,
    slot,
    row_key,
    metric_column,
    value,
    cast(place as bigint) as place,
    cast(metric_value as double) as metric_value,
    cast(n as bigint) as n,
    label_zh,
    label_en,
    is_thin,
    is_guess
from metrics
