{# guesses of people against what interviews say: a verdict only where chance leaves no doubt #}
{% set z = portrait_parameter('confidence_z') %}
with noted as (
    select * from {{ ref('hypothesis_registry') }}
    where noted_on <= cast('{{ var("as_of_date") }}' as date)
),

counted as (
    select
        h.hypothesis_id,
        count(distinct a.interview_id) as n,
        count(distinct case when {{ seed_list_holds('h.answer_codes', 'a.answer_code') }} then a.interview_id end) as k
    from noted as h
    left join {{ ref('int_interviews__answers_checked') }} as a
        on
            a.problem is null
            and a.question_code = h.question_code
            and (h.respondent_side = 'all' or a.side = h.respondent_side)
    group by h.hypothesis_id
),

bounded as (
    select
        h.*,
        c.k,
        c.n,
        c.n >= {{ persona_threshold('min_cell_customers') }} as is_enough,
        c.n < {{ persona_threshold('persona_thin') }} as is_thin,
        {{ wilson_bound('c.k', 'c.n', z, 'lower') }} as low,
        {{ wilson_bound('c.k', 'c.n', z, 'upper') }} as high
    from noted as h
    inner join counted as c on c.hypothesis_id = h.hypothesis_id
)

select
    hypothesis_id,
    statement_zh,
    statement_en,
    question_code,
    answer_codes,
    respondent_side,
    claim,
    bound,
    noted_on,
    k,
    n,
    cast(round(case when is_enough then cast(k as double) / n end, 6) as double) as rate,
    cast(round(case when is_enough then greatest(low, 0) end, 6) as double) as rate_low,
    cast(round(case when is_enough then high end, 6) as double) as rate_high,
    is_thin,
    case
        when n = 0 then 'nobody was asked'
        when is_thin then 'thin'
        when claim = 'above' and low > bound or claim = 'below' and high < bound then 'supported'
        when claim = 'above' and high < bound or claim = 'below' and low > bound then 'refuted'
        else 'open'
    end as verdict,
    'share of interviews with its bounds (Wilson, 95 %) against the bound of the claim' as method,
    case
        when n = 0 then 'no usable answer to the question'
        when is_thin then 'fewer than ten interviews'
        when low <= bound and high >= bound then 'the bound lies within what chance allows: more interviews would tell'
    end as verdict_reason
from bounded
