{# who takes part in decisions, by role and persona, in the steps of the method: shares, numbers, what is not said #}
{% set key = "concat_ws('|', r.persona, r.decision_role, r.step, r.aspect, coalesce(r.stage, ''), r.source,"
    ~ " coalesce(r.value, ''))" %}
{% set z = portrait_parameter('confidence_z') %}
{% set keys = ['persona', 'decision_role', 'subject', 'step', 'aspect', 'stage', 'source', 'is_sensitive'] %}
{% set min_cell = persona_threshold('min_cell_customers') %}
{% set text = dbt.type_string() %}
with personas as (
    select
        account_id,
        cast(persona_number as {{ text }}) as persona
    from {{ ref('int_personas__memberships') }}
    -- number 0 is the background
    where persona_number > 0
),

-- everybody and each persona, every role and each
observed as (
    select
        'all' as persona,
        o.decision_role,
        o.subject_id,
        o.subject,
        o.step,
        o.aspect,
        o.stage,
        o.source,
        o.is_sensitive,
        o.value,
        o.is_inferred
    from {{ ref('int_portraits__observed') }} as o
    where o.decision_role is not null
    union all
    select
        'all' as persona,
        'all' as decision_role,
        o.subject_id,
        o.subject,
        o.step,
        o.aspect,
        o.stage,
        o.source,
        o.is_sensitive,
        o.value,
        o.is_inferred
    from {{ ref('int_portraits__observed') }} as o
    -- sums over roles would tell small cells of what is sensitive; and whom to persuade is a question of one role
    where not o.is_sensitive and o.aspect <> 'must_persuade'
    union all
    select
        p.persona,
        o.decision_role,
        o.subject_id,
        o.subject,
        o.step,
        o.aspect,
        o.stage,
        o.source,
        o.is_sensitive,
        o.value,
        o.is_inferred
    from {{ ref('int_portraits__observed') }} as o
    inner join personas as p on p.account_id = o.account_id
    where o.decision_role is not null and not o.is_sensitive
),

counted as (
    {{ portrait_counts('observed', keys) }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by persona, decision_role, step, aspect, coalesce(stage, ''), source order by k desc, value asc
        ) as value_rank,
        is_sensitive
        and min(k) over (partition by persona, decision_role, step, aspect, source) < {{ min_cell }} as is_hidden
    from counted
),

-- how alike the seniorities and functions are: Shannon's entropy over the most there could be
evenness as (
    select
        persona,
        decision_role,
        subject,
        step,
        concat(aspect, '_evenness') as aspect,
        source,
        max(n) as n,
        case
            when count(*) = 1 then 0
            else -sum((cast(k as double) / n) * ln(cast(k as double) / n)) / ln(count(*))
        end as amount
    from counted
    where aspect in ('seniority', 'job_function')
    group by persona, decision_role, subject, step, aspect, source
),

amounts as (
    select
        'all' as persona,
        decision_role,
        aspect,
        unit,
        subject_id,
        amount
    from {{ ref('int_portraits__amounts') }}
    where decision_role is not null
    union all
    select
        'all' as persona,
        'all' as decision_role,
        aspect,
        unit,
        subject_id,
        amount
    from {{ ref('int_portraits__amounts') }}
    union all
    select
        p.persona,
        a.decision_role,
        a.aspect,
        a.unit,
        a.subject_id,
        a.amount
    from {{ ref('int_portraits__amounts') }} as a
    inner join personas as p on p.account_id = a.account_id
    where a.decision_role is not null
),

medians as (
    {{ portrait_medians('amounts', ['persona', 'decision_role', 'aspect', 'unit']) }}
),

-- do larger deals need more people? ranks, so that one giant decides nothing
complexity_ranks as (
    select
        percent_rank() over (order by amount_cny) as amount_place,
        percent_rank() over (order by people_count) as people_place
    from {{ ref('int_portraits__deals') }}
    where deal_state in ('won', 'lost') and amount_cny is not null and people_count is not null
),

complexity as (
    select
        count(*) as n,
        corr(amount_place, people_place) as amount
    from complexity_ranks
),

times as (
    select
        'all' as persona,
        decision_role,
        account_id,
        days,
        is_decided
    from {{ ref('int_portraits__decision_times') }}
    where decision_role is not null
    union all
    select distinct
        'all' as persona,
        'all' as decision_role,
        account_id,
        days,
        is_decided
    from {{ ref('int_portraits__decision_times') }}
    union all
    select
        p.persona,
        t.decision_role,
        t.account_id,
        t.days,
        t.is_decided
    from {{ ref('int_portraits__decision_times') }} as t
    inner join personas as p on p.account_id = t.account_id
    where t.decision_role is not null
),

-- Kaplan and Meier 1958; the interval of the median by the log-log transform (Brookmeyer and Crowley 1982)
days_of as (
    select
        persona,
        decision_role,
        days,
        count(case when is_decided then 1 end) as decided_count,
        sum(count(*)) over (partition by persona, decision_role order by days desc) as at_risk,
        sum(count(*)) over (partition by persona, decision_role) as n
    from times
    group by persona, decision_role, days
),

survival as (
    select
        persona,
        decision_role,
        days,
        n,
        decided_count,
        sum(case when decided_count = at_risk then -1000 else ln(1 - decided_count / cast(at_risk as double)) end)
            over (partition by persona, decision_role order by days) as log_survival,
        sum(
            case
                when decided_count < at_risk
                    then decided_count / (cast(at_risk as double) * (at_risk - decided_count))
                else 0
            end
        ) over (partition by persona, decision_role order by days) as variance
    from days_of
),

bounds as (
    select
        *,
        case
            when log_survival < 0 and log_survival > -500
                then {{ z }} * sqrt(variance) / abs(log_survival)
        end as width
    from survival
),

decision_days as (
    select
        persona,
        decision_role,
        max(n) as n,
        -- a sum of logarithms misses a half by a hair
        min(case when log_survival <= ln(0.5) + 0.000000001 then days end) as amount,
        -- the lower curve falls below a half first
        min(case when log_survival * exp(coalesce(width, 0)) <= ln(0.5) then days end) as low,
        min(case when log_survival * exp(-coalesce(width, 0)) <= ln(0.5) then days end) as high
    from bounds
    group by persona, decision_role
),

rows_of as (
    select
        persona,
        decision_role,
        step,
        aspect,
        stage,
        case when not is_hidden then value end as value,
        source,
        subject,
        case when not is_hidden then k end as k,
        case when not is_hidden then n end as n,
        case when is_enough and not is_hidden then cast(k as double) / n end as rate,
        case when is_enough and not is_hidden then greatest(low, 0) end as rate_low,
        case when is_enough and not is_hidden then high end as rate_high,
        cast(null as double) as amount,
        cast(null as double) as amount_low,
        cast(null as double) as amount_high,
        cast(null as {{ text }}) as unit,
        case when not is_hidden then value_rank end as value_rank,
        case when not is_hidden then inferred_count end as inferred_count,
        is_thin,
        case
            when is_hidden then 'a cell of something sensitive is too small'
            when not is_enough then 'too few for a share'
            when is_thin then 'thin: fewer than ten'
        end as reason
    from ranked
    -- titles beyond the ten most frequent are names of single posts
    where (not is_hidden or value_rank = 1) and (aspect <> 'title' or value_rank <= 10)
    union all
    select
        persona,
        decision_role,
        step,
        aspect,
        null as stage,
        null as value,
        source,
        subject,
        null as k,
        n,
        null as rate,
        null as rate_low,
        null as rate_high,
        case when n >= {{ min_cell }} then amount end as amount,
        null as amount_low,
        null as amount_high,
        'share of the most' as unit,
        null as value_rank,
        null as inferred_count,
        n < {{ persona_threshold('persona_thin') }} as is_thin,
        case when n < {{ min_cell }} then 'too few for a number' end as reason
    from evenness
    union all
    select
        persona,
        decision_role,
        'buying_view' as step,
        aspect,
        null as stage,
        null as value,
        'deals' as source,
        'closed deal' as subject,
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
    union all
    select
        'all' as persona,
        'all' as decision_role,
        'buying_view' as step,
        'complexity_and_stakeholders' as aspect,
        null as stage,
        null as value,
        'deals' as source,
        'closed deal' as subject,
        null as k,
        n,
        null as rate,
        null as rate_low,
        null as rate_high,
        case when n >= {{ persona_threshold('persona_thin') }} then amount end as amount,
        -- Fisher 1921
        case
            when n >= {{ persona_threshold('persona_thin') }} and abs(amount) < 1
                then tanh(0.5 * ln((1 + amount) / (1 - amount)) - {{ z }} / sqrt(n - 3.0))
        end as amount_low,
        case
            when n >= {{ persona_threshold('persona_thin') }} and abs(amount) < 1
                then tanh(0.5 * ln((1 + amount) / (1 - amount)) + {{ z }} / sqrt(n - 3.0))
        end as amount_high,
        'rank correlation' as unit,
        null as value_rank,
        null as inferred_count,
        n < {{ persona_threshold('persona_thin') }} as is_thin,
        case when n < {{ persona_threshold('persona_thin') }} then 'too few for a number' end as reason
    from complexity
    where n > 0
    union all
    select
        persona,
        decision_role,
        'buying_view' as step,
        'days_to_decision' as aspect,
        null as stage,
        null as value,
        'deals and touchpoints' as source,
        'account' as subject,
        null as k,
        n,
        null as rate,
        null as rate_low,
        null as rate_high,
        case when n >= {{ min_cell }} then amount end as amount,
        case when n >= {{ min_cell }} then low end as amount_low,
        case when n >= {{ min_cell }} then high end as amount_high,
        'days' as unit,
        null as value_rank,
        null as inferred_count,
        n < {{ persona_threshold('persona_thin') }} as is_thin,
        case
            when n < {{ min_cell }} then 'too few for a number'
            when amount is null then 'fewer than half have decided so far'
            when n < {{ persona_threshold('persona_thin') }} then 'thin: fewer than ten'
        end as reason
    from decision_days
),

-- of how many anything is known at all
populations as (
    select
        persona,
        decision_role,
        subject,
        count(distinct subject_id) as population
    from observed
    group by persona, decision_role, subject
),

names as (
    select
        case
            when b.aspect in ('obstacle', 'information_source', 'research', 'must_persuade')
                then concat(b.aspect, '_told')
            else b.aspect
        end as aspect,
        a.answer_code as value,
        a.name_zh,
        a.name_en
    from {{ ref('answer_codes') }} as a
    inner join {{ ref('question_bank') }} as b on b.question_code = a.question_code
    union all
    select
        'job_function' as aspect,
        job_function as value,
        name_zh,
        name_en
    from {{ ref('job_functions') }}
    union all
    select
        'duties' as aspect,
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
    union all
    {% for vocabulary, aspect in [
        ('obstacle', 'obstacle'), ('movement', 'movement'), ('role', 'must_persuade'), ('competitor', 'competitor'),
        ('research', 'research'), ('channel', 'preferred_channel'), ('channel', 'information_source'),
        ('hours', 'active_hours'), ('recorded', 'reason_recorded')
    ] %}
        select
            '{{ aspect }}' as aspect,
            code as value,
            name_zh,
            name_en
        from {{ ref('portrait_terms') }}
        where vocabulary = '{{ vocabulary }}'
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    {{ dbt.hash(key) }} as decision_maker_persona_id,
    '{{ var("as_of_date") }}' as version,
    r.persona,
    r.decision_role,
    case r.step
        when 'who' then 1 when 'demographics' then 2 when 'traits' then 3 when 'goals' then 4 when 'obstacles' then 5
        else 6
    end as step_number,
    r.step,
    r.aspect,
    r.stage,
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
    case
        when p.population >= {{ min_cell }} then cast(round(cast(r.n as double) / p.population, 6) as double)
    end as coverage,
    r.is_thin,
    r.reason
from rows_of as r
left join populations as p
    on p.persona = r.persona and p.decision_role = r.decision_role and p.subject = r.subject
left join names as n on n.aspect = r.aspect and n.value = r.value
