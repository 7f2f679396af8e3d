{# who uses the product, by post: tasks, measures, what is hard, what takes time, how deeply it is used #}
{% set key = "concat_ws('|', r.post, r.aspect, r.source, coalesce(r.value, ''))" %}
{% set text = dbt.type_string() %}
with users as (
    select
        c.contact_id,
        c.job_function,
        c.seniority
    from {{ ref('contacts') }} as c
    inner join {{ ref('int_personas__accounts') }} as m on m.account_id = c.account_id and m.is_customer
    where
        (c.first_touch_at is null or c.first_touch_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }})
        and (
            c.decision_role = 'user'
            or c.contact_id in (
                select u.contact_id from {{ ref('int_portraits__usage') }} as u
                where u.contact_id is not null
            )
        )
),

told as (
    select
        i.interview_id,
        c.job_function,
        case i.aspect when 'decision_kpi' then 'kpi' when 'pain' then 'hardest_part' else i.aspect end as aspect,
        i.answer_code,
        i.is_inferred
    from {{ ref('int_interviews__answers_checked') }} as i
    left join {{ ref('contacts') }} as c on c.contact_id = i.contact_id
    where
        i.problem is null
        and i.side = 'customer'
        -- questions to users count whoever answers for the post; general ones only when users themselves do
        and (i.feeds_mart = 'user_personas' or i.aspect in ('decision_kpi', 'pain') and i.decision_role = 'user')
),

observed as (
    {% for post, known in [("'all'", 'true'), ('job_function', 'job_function is not null')] %}
        {% for aspect, column, inferred in [('task', 'job_function', 'true'), ('seniority', 'seniority', 'false')] %}
            select
                {{ post }} as post,
                contact_id as subject_id,
                'person' as subject,
                '{{ aspect }}' as aspect,
                {{ column }} as value,
                'contacts' as source,
                {{ inferred }} as is_inferred
            from users
            where {{ known }} and {{ column }} is not null
            union all
        {% endfor %}
        select
            {{ post }} as post,
            product_user_id as subject_id,
            'login' as subject,
            'main_feature' as aspect,
            main_feature as value,
            'product usage' as source,
            false as is_inferred
        from {{ ref('int_portraits__usage') }}
        where {{ known }} and main_feature is not null
        union all
        select
            {{ post }} as post,
            interview_id as subject_id,
            'interview' as subject,
            aspect,
            answer_code as value,
            'interviews' as source,
            is_inferred
        from told
        where {{ known }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (
    {{ portrait_counts('observed', ['post', 'subject', 'aspect', 'source']) }}
),

depths as (
    {% for post, known in [("'all'", 'true'), ('job_function', 'job_function is not null')] %}
        {% set outer = loop %}
        {% for aspect, column, unit in [
            ('features_used', 'feature_count', 'features'), ('uses_per_week', 'uses_per_week', 'uses')
        ] %}
            select
                {{ post }} as post,
                '{{ aspect }}' as aspect,
                '{{ unit }}' as unit,
                product_user_id as subject_id,
                {{ column }} as amount
            from {{ ref('int_portraits__usage') }}
            where {{ known }}
            {{ 'union all' if not (outer.last and loop.last) }}
        {% endfor %}
    {% endfor %}
),

medians as (
    {{ portrait_medians('depths', ['post', 'aspect', 'unit']) }}
),

rows_of as (
    select
        post,
        aspect,
        value,
        source,
        subject,
        k,
        n,
        case when is_enough then cast(k as double) / n end as rate,
        case when is_enough then greatest(low, 0) end as rate_low,
        case when is_enough then high end as rate_high,
        cast(null as double) as amount,
        cast(null as double) as amount_low,
        cast(null as double) as amount_high,
        cast(null as {{ text }}) as unit,
        row_number() over (partition by post, aspect, source order by k desc, value asc) as value_rank,
        inferred_count,
        is_thin,
        case when not is_enough then 'too few for a share' when is_thin then 'thin: fewer than ten' end as reason
    from counted
    union all
    select
        post,
        aspect,
        null as value,
        'product usage' as source,
        'login' as subject,
        null as k,
        n,
        null as rate,
        null as rate_low,
        null as rate_high,
        case when is_enough then amount end as amount,
        case when is_enough then low end as amount_low,
        case when is_enough then high end as amount_high,
        unit,
        null as value_rank,
        null as inferred_count,
        is_thin,
        case when not is_enough then 'too few for a number' when is_thin then 'thin: fewer than ten' end as reason
    from medians
),

names as (
    select distinct
        case b.aspect when 'decision_kpi' then 'kpi' when 'pain' then 'hardest_part' else b.aspect end as aspect,
        a.answer_code as value,
        a.name_zh,
        a.name_en
    from {{ ref('answer_codes') }} as a
    inner join {{ ref('question_bank') }} as b on b.question_code = a.question_code
    where b.feeds_mart = 'user_personas' or b.aspect in ('decision_kpi', 'pain')
    union all
    select
        'task' as aspect,
        job_function as value,
        duties_zh as name_zh,
        duties_en as name_en
    from {{ ref('job_functions') }}
    union all
    select
        'seniority' as aspect,
        seniority as value,
        name_zh,
        name_en
    from {{ ref('seniorities') }}
)

select
    {{ dbt.hash(key) }} as user_persona_id,
    '{{ var("as_of_date") }}' as version,
    r.post,
    coalesce(p.name_zh, case when r.post = 'all' then '全部岗位' else r.post end) as post_zh,
    coalesce(p.name_en, case when r.post = 'all' then 'all posts' else r.post end) as post_en,
    r.aspect,
    r.value,
    coalesce(n.name_zh, r.value) as value_zh,
    coalesce(n.name_en, r.value) as value_en,
    r.source,
    r.subject,
    cast(r.k as bigint) as k,
    cast(r.n as bigint) as n,
    cast(round(r.rate, 6) as double) as rate,
    cast(round(r.rate_low, 6) as double) as rate_low,
    cast(round(r.rate_high, 6) as double) as rate_high,
    cast(round(r.amount, 6) as double) as amount,
    cast(round(r.amount_low, 6) as double) as amount_low,
    cast(round(r.amount_high, 6) as double) as amount_high,
    r.unit,
    cast(r.value_rank as bigint) as value_rank,
    cast(r.inferred_count as bigint) as inferred_count,
    r.is_thin,
    r.reason
from rows_of as r
left join {{ ref('job_functions') }} as p on p.job_function = r.post
left join names as n on n.aspect = r.aspect and n.value = r.value
