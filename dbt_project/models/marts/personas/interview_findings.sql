{# what interviews say: answers by who was asked, how far departments agree, and what was set aside #}
{% set key = "concat_ws('|', f.finding_type, f.respondent_side, f.respondent_role, coalesce(f.question_code, ''),"
    ~ " coalesce(f.layer, ''), coalesce(f.answer, ''))" %}
{% set z = portrait_parameter('confidence_z') %}
with usable as (
    -- what is sensitive stands in decision_maker_personas alone: from several levels small cells could be told
    select * from {{ ref('int_interviews__answers_checked') }}
    where problem is null and not is_sensitive
),

-- the same interviews three times: all, by side, by role
leveled as (
    select
        'all' as respondent_side,
        'all' as respondent_role,
        interview_id,
        question_code,
        answer_code,
        is_inferred,
        confidence
    from usable
    union all
    select
        side as respondent_side,
        'all' as respondent_role,
        interview_id,
        question_code,
        answer_code,
        is_inferred,
        confidence
    from usable
    union all
    select
        side as respondent_side,
        respondent_role,
        interview_id,
        question_code,
        answer_code,
        is_inferred,
        confidence
    from usable
),

asked as (
    select
        respondent_side,
        respondent_role,
        question_code,
        count(distinct interview_id) as n
    from leveled
    group by respondent_side, respondent_role, question_code
),

answered as (
    select
        l.respondent_side,
        l.respondent_role,
        l.question_code,
        l.answer_code,
        count(distinct l.interview_id) as k,
        count(distinct case when l.is_inferred then l.interview_id end) as inferred_count,
        avg(l.confidence) as mean_confidence
    from leveled as l
    group by l.respondent_side, l.respondent_role, l.question_code, l.answer_code
),

counted as (
    select
        a.*,
        s.n
    from answered as a
    inner join asked as s
        on
            s.respondent_side = a.respondent_side
            and s.respondent_role = a.respondent_role
            and s.question_code = a.question_code
),

-- what a department says of an account: what it is surest of
said as (
    select
        account_id,
        question_code,
        respondent_role,
        answer_code,
        row_number() over (
            partition by account_id, question_code, respondent_role
            order by interviewed_at desc, confidence desc nulls last, interview_id asc, answer_code asc
        ) as place
    from usable
    where side = 'house'
),

rated as (
    select
        account_id,
        question_code,
        answer_code,
        count(*) as votes,
        sum(count(*)) over (partition by account_id, question_code) as raters
    from said
    where place = 1
    group by account_id, question_code, answer_code
),

units as (
    select
        account_id,
        question_code,
        max(raters) as raters,
        sum(votes * votes) as squares,
        max(votes) = max(raters) as is_agreed
    from rated
    where raters > 1
    group by account_id, question_code
),

expected as (
    select
        question_code,
        sum(votes) as total,
        sum(votes * votes) as squares
    from (
        select
            question_code,
            answer_code,
            sum(votes) as votes
        from rated
        where raters > 1
        group by question_code, answer_code
    ) as pooled
    group by question_code
),

-- Krippendorff's alpha for nominal data: disagreement within accounts against disagreement by chance
agreed_by_question as (
    select
        u.question_code,
        count(*) as n,
        count(case when u.is_agreed then 1 end) as k,
        sum((u.raters * u.raters - u.squares) / cast(u.raters - 1 as double)) as observed_disagreement,
        max((e.total * e.total - e.squares) / cast(e.total - 1 as double)) as expected_disagreement
    from units as u
    inner join expected as e on e.question_code = u.question_code
    group by u.question_code
),

agreed as (
    select
        question_code,
        cast(null as {{ dbt.type_string() }}) as layer,
        n,
        k,
        observed_disagreement,
        expected_disagreement
    from agreed_by_question
    union all
    select
        cast(null as {{ dbt.type_string() }}) as question_code,
        b.layer,
        sum(a.n) as n,
        sum(a.k) as k,
        sum(a.observed_disagreement) as observed_disagreement,
        sum(a.expected_disagreement) as expected_disagreement
    from agreed_by_question as a
    inner join {{ ref('question_bank') }} as b on b.question_code = a.question_code
    group by b.layer
    union all
    select
        cast(null as {{ dbt.type_string() }}) as question_code,
        cast(null as {{ dbt.type_string() }}) as layer,
        sum(n) as n,
        sum(k) as k,
        sum(observed_disagreement) as observed_disagreement,
        sum(expected_disagreement) as expected_disagreement
    from agreed_by_question
    having count(*) > 0
),

set_aside as (
    select
        coalesce(side, 'all') as respondent_side,
        coalesce(respondent_role, 'all') as respondent_role,
        question_code,
        problem,
        count(*) as k
    from {{ ref('int_interviews__answers_checked') }}
    where problem is not null
    group by coalesce(side, 'all'), coalesce(respondent_role, 'all'), question_code, problem
),

findings as (
    select
        'answer' as finding_type,
        respondent_side,
        respondent_role,
        question_code,
        cast(null as {{ dbt.type_string() }}) as layer,
        answer_code as answer,
        k,
        n,
        inferred_count,
        mean_confidence,
        cast(null as double) as alpha,
        n < {{ persona_threshold('persona_thin') }} as is_thin
    from counted
    union all
    select
        'agreement' as finding_type,
        'house' as respondent_side,
        'all' as respondent_role,
        question_code,
        layer,
        cast(null as {{ dbt.type_string() }}) as answer,
        k,
        n,
        cast(null as bigint) as inferred_count,
        cast(null as double) as mean_confidence,
        case
            when n >= {{ persona_threshold('persona_thin') }} and expected_disagreement > 0
                then 1 - observed_disagreement / expected_disagreement
        end as alpha,
        n < {{ persona_threshold('persona_thin') }} as is_thin
    from agreed
    union all
    select
        'set aside' as finding_type,
        respondent_side,
        respondent_role,
        question_code,
        cast(null as {{ dbt.type_string() }}) as layer,
        problem as answer,
        k,
        cast(null as bigint) as n,
        cast(null as bigint) as inferred_count,
        cast(null as double) as mean_confidence,
        cast(null as double) as alpha,
        false as is_thin
    from set_aside
),

bounded as (
    select
        f.*,
        f.n >= {{ persona_threshold('min_cell_customers') }} as is_enough,
        {{ wilson_bound('f.k', 'f.n', z, 'lower') }} as low,
        {{ wilson_bound('f.k', 'f.n', z, 'upper') }} as high
    from findings as f
)

select
    {{ dbt.hash(key) }} as interview_finding_id,
    f.finding_type,
    f.question_code,
    coalesce(b.layer, f.layer) as layer,
    b.theme,
    b.question_zh,
    b.question_en,
    b.is_taboo,
    f.respondent_side,
    f.respondent_role,
    f.answer,
    coalesce(d.name_zh, f.answer) as answer_zh,
    coalesce(d.name_en, f.answer) as answer_en,
    cast(f.k as bigint) as k,
    cast(f.n as bigint) as n,
    cast(round(case when f.is_enough then cast(f.k as double) / f.n end, 6) as double) as rate,
    cast(round(case when f.is_enough then greatest(f.low, 0) end, 6) as double) as rate_low,
    cast(round(case when f.is_enough then f.high end, 6) as double) as rate_high,
    cast(round(f.alpha, 6) as double) as alpha,
    cast(f.inferred_count as bigint) as inferred_count,
    -- twice: of a half, the order of the sum would say whether it goes up or down
    cast(round(round(f.mean_confidence, 9), 6) as double) as mean_confidence,
    f.is_thin,
    case
        when f.finding_type = 'answer' and f.is_enough then f.low > {{ portrait_parameter('common_share') }}
    end as is_common,
    case
        when f.finding_type = 'set aside' then 'counted, not used'
        when not f.is_enough then 'too few interviews for a share'
        when f.is_thin then 'thin: fewer than ten'
    end as reason
from bounded as f
left join {{ ref('question_bank') }} as b on b.question_code = f.question_code
left join {{ ref('answer_codes') }} as d on d.question_code = f.question_code and d.answer_code = f.answer
