{# every coded answer of an interview with whose it is, and why it may not count: nothing is left out in silence #}
with questions as (
    select
        b.*,
        b.question_code as source_code
    from {{ ref('question_bank') }} as b
    union all
    -- some write the attribute's name instead of the question's number
    select
        b.*,
        q.question_code as source_code
    from {{ ref('question_bank') }} as b
    inner join {{ ref('interview_questions') }} as q on q.attribute = b.aspect
    where b.feeds_mart = 'account_attributes' and q.question_code <> b.question_code
),

accounts as (
    select
        source_id,
        account_id
    from {{ source('identity', 'companies') }}
    where source_system = 'crm' and source_object = 'companies'
),

people as (
    select
        source_id,
        contact_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm' and source_object = 'contacts'
),

answers as (
    select
        a.interview_id,
        i.interview_id is not null as is_delivered,
        c.account_id,
        p.contact_id,
        r.respondent_role,
        r.side,
        r.decision_role,
        q.question_code,
        q.answer_kind,
        q.feeds_mart,
        q.aspect,
        coalesce(q.is_taboo, false) as is_taboo,
        coalesce(q.is_sensitive, false) as is_sensitive,
        k.question_code is not null as feeds_an_attribute,
        lower(trim(a.answer_code)) as answer_code,
        d.answer_code is not null as is_listed,
        coalesce(a.is_inferred, false) as is_inferred,
        coalesce(i.has_consent, false) as has_consent,
        cast(a.confidence as double) as confidence,
        i.interviewed_at
    from {{ ref('stg_crm__interview_answers') }} as a
    left join {{ ref('stg_crm__interviews') }} as i on i.interview_id = a.interview_id
    left join accounts as c on c.source_id = i.company_id
    left join people as p on p.source_id = i.contact_id
    left join {{ ref('respondent_roles') }} as r on r.respondent_role = lower(trim(i.respondent_role))
    left join questions as q on q.source_code = lower(trim(a.question_code))
    left join {{ ref('interview_questions') }} as k on k.question_code = lower(trim(a.question_code))
    left join {{ ref('answer_codes') }} as d
        on d.question_code = q.question_code and d.answer_code = lower(trim(a.answer_code))
    -- an answer in words alone has nothing to count
    where
        a.answer_code is not null
        and (i.interviewed_at is null or i.interviewed_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }})
),

judged as (
    select
        *,
        case
            when not is_delivered then 'interview not delivered'
            when question_code is null and not feeds_an_attribute then 'unknown question'
            when account_id is null then 'unknown company'
            when respondent_role is null then 'unknown respondent role'
            when is_taboo and not is_inferred then 'asked outright what is never asked'
            when is_sensitive and not has_consent then 'no consent'
            when answer_kind = 'coded' and not is_listed then 'answer outside the code list'
        end as problem
    from answers
    -- an attribute that no question of the bank asks for feeds account_attributes alone
    where question_code is not null or not feeds_an_attribute
),

placed as (
    select
        *,
        row_number() over (
            partition by interview_id, question_code, answer_code
            order by case when problem is null then 0 else 1 end, confidence desc nulls last, problem asc
        ) as place
    from judged
)

select
    {{ dbt.hash("concat_ws('|', interview_id, coalesce(question_code, ''), answer_code)") }} as interview_answer_id,
    interview_id,
    account_id,
    contact_id,
    respondent_role,
    side,
    decision_role,
    question_code,
    feeds_mart,
    aspect,
    is_sensitive,
    answer_code,
    is_inferred,
    confidence,
    interviewed_at,
    problem
from placed
where place = 1
