{# what is seen or heard of the people of customers and of their deals: one value of one aspect of one person, deal or
   interview #}
with customers as (
    select account_id
    from {{ ref('int_personas__accounts') }}
    where is_customer
),

people as (
    select c.*
    from {{ ref('contacts') }} as c
    inner join customers as m on m.account_id = c.account_id
    where c.first_touch_at is null or c.first_touch_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
),

sql_moments as (
    select
        account_id,
        min(entered_at) as sql_at
    from {{ ref('lead_stages') }}
    where stage in ('sql', 'opportunity', 'won')
    group by account_id
),

-- where they informed themselves before sales took them on
before_sql as (
    select
        t.contact_id,
        t.channel
    from {{ ref('touchpoints') }} as t
    inner join sql_moments as s on s.account_id = t.account_id
    where t.occurred_at < s.sql_at and t.touchpoint_type in ('web_session', 'wechat_follow')
),

pages_before_sql as (
    select
        r.contact_id,
        r.signal
    from {{ ref('int_people__pages_read') }} as r
    inner join people as p on p.contact_id = r.contact_id
    inner join sql_moments as s on s.account_id = p.account_id
    where r.first_at < s.sql_at
),

roles_on_deals as (
    select distinct
        deal_id,
        decision_role
    from {{ ref('int_portraits__deal_people') }}
    where decision_role is not null
),

deals as (
    select
        r.decision_role,
        d.*
    from {{ ref('int_portraits__deals') }} as d
    left join roles_on_deals as r on r.deal_id = d.deal_id
),

observed as (
    {% for step, aspect, column in [
        ('who', 'title', 'job_title'), ('who', 'seniority', 'seniority'), ('who', 'job_function', 'job_function'),
        ('who', 'duties', 'job_function'), ('traits', 'preferred_channel', 'preferred_channel'),
        ('traits', 'active_hours', 'active_hours')
    ] %}
        select
            contact_id as subject_id,
            'person' as subject,
            account_id,
            decision_role,
            job_function,
            '{{ step }}' as step,
            '{{ aspect }}' as aspect,
            cast(null as {{ dbt.type_string() }}) as stage,
            trim({{ column }}) as value,
            '{{ 'touchpoints' if step == 'traits' else 'contacts' }}' as source,
            {{ 'true' if aspect == 'duties' else 'false' }} as is_inferred,
            false as is_sensitive
        from people
        where trim({{ column }}) <> ''
        union all
    {% endfor %}
    select
        p.contact_id as subject_id,
        'person' as subject,
        p.account_id,
        p.decision_role,
        p.job_function,
        'buying_view' as step,
        'information_source' as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        b.channel as value,
        'touchpoints' as source,
        false as is_inferred,
        false as is_sensitive
    from people as p
    inner join before_sql as b on b.contact_id = p.contact_id
    where b.channel is not null
    union all
    select
        p.contact_id as subject_id,
        'person' as subject,
        p.account_id,
        p.decision_role,
        p.job_function,
        'buying_view' as step,
        'research' as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        b.signal as value,
        'web events' as source,
        false as is_inferred,
        false as is_sensitive
    from people as p
    inner join pages_before_sql as b on b.contact_id = p.contact_id
    union all
    -- obstacles of deals, whole and by the stage in which they were lost
    select
        deal_id as subject_id,
        'lost deal' as subject,
        account_id,
        decision_role,
        cast(null as {{ dbt.type_string() }}) as job_function,
        'obstacles' as step,
        'obstacle' as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        obstacle as value,
        'lost reasons' as source,
        false as is_inferred,
        false as is_sensitive
    from deals
    where deal_state = 'lost' and obstacle is not null
    union all
    select
        deal_id as subject_id,
        'lost deal' as subject,
        account_id,
        decision_role,
        cast(null as {{ dbt.type_string() }}) as job_function,
        'obstacles' as step,
        'obstacle' as aspect,
        stage,
        obstacle as value,
        'lost reasons' as source,
        false as is_inferred,
        false as is_sensitive
    from deals
    where deal_state = 'lost' and obstacle is not null and stage is not null
    union all
    select
        deal_id as subject_id,
        'lost deal' as subject,
        account_id,
        decision_role,
        cast(null as {{ dbt.type_string() }}) as job_function,
        'obstacles' as step,
        'reason_recorded' as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        case when obstacle is null then 'no' else 'yes' end as value,
        'lost reasons' as source,
        false as is_inferred,
        false as is_sensitive
    from deals
    where deal_state = 'lost'
    union all
    select
        deal_id as subject_id,
        'open deal' as subject,
        account_id,
        decision_role,
        cast(null as {{ dbt.type_string() }}) as job_function,
        'obstacles' as step,
        'movement' as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        case when is_stalled then 'stalled' else 'moving' end as value,
        'activities' as source,
        true as is_inferred,
        false as is_sensitive
    from deals
    where deal_state = 'open' and is_stalled is not null
    union all
    select
        d.deal_id as subject_id,
        'closed deal' as subject,
        d.account_id,
        d.decision_role,
        cast(null as {{ dbt.type_string() }}) as job_function,
        'buying_view' as step,
        'must_persuade' as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        coalesce(o.decision_role, 'nobody') as value,
        'people on deals' as source,
        false as is_inferred,
        false as is_sensitive
    from deals as d
    left join roles_on_deals as o on o.deal_id = d.deal_id and o.decision_role <> d.decision_role
    where d.decision_role is not null and d.deal_state in ('won', 'lost')
    union all
    select
        deal_id as subject_id,
        'closed deal' as subject,
        account_id,
        decision_role,
        cast(null as {{ dbt.type_string() }}) as job_function,
        'buying_view' as step,
        'competitor' as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        case when is_competitor_named then 'named' else 'none named' end as value,
        'deals' as source,
        false as is_inferred,
        false as is_sensitive
    from deals
    where is_competitor_named is not null
    union all
    select
        i.interview_id as subject_id,
        'interview' as subject,
        i.account_id,
        i.decision_role,
        c.job_function,
        case
            when i.is_sensitive then 'demographics'
            when i.aspect in (
                'personality', 'ambition', 'social_platform', 'skill_field', 'experience', 'reading', 'hobby',
                'work_habit', 'decision_standing'
            ) then 'traits'
            when i.aspect in ('decision_kpi', 'career_goal', 'skill_now', 'skill_later', 'goal') then 'goals'
            when i.aspect in ('obstacle', 'pain') then 'obstacles'
            else 'buying_view'
        end as step,
        -- what is told stands beside what is seen
        case
            when i.aspect in ('obstacle', 'information_source', 'research', 'must_persuade')
                then concat(i.aspect, '_told')
            else i.aspect
        end as aspect,
        cast(null as {{ dbt.type_string() }}) as stage,
        i.answer_code as value,
        'interviews' as source,
        i.is_inferred,
        i.is_sensitive
    from {{ ref('int_interviews__answers_checked') }} as i
    left join {{ ref('contacts') }} as c on c.contact_id = i.contact_id
    where
        i.problem is null
        and i.side = 'customer'
        and (
            i.feeds_mart = 'decision_maker_personas'
            or i.aspect in (
                'decision_kpi', 'decision_standing', 'goal', 'pain', 'purchase_reason', 'decision_leader',
                'decision_seniority', 'winning_reason', 'valued_benefit'
            )
        )
)

select distinct * from observed
