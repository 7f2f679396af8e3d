{# every person of the three streams; the newest live CRM record tells name and title, a contact's before a lead's #}
with records as (
    select * from {{ source('identity', 'people') }}
),

crm as (
    select
        r.contact_id,
        c.full_name,
        c.job_title,
        c.lifecycle_stage,
        c.merged_into_id,
        0 as is_lead,
        c.updated_at,
        r.source_id
    from records as r
    inner join {{ ref('stg_crm__contacts') }} as c on c.contact_id = r.source_id
    where r.source_system = 'crm' and r.source_object = 'contacts'
    union all
    select
        r.contact_id,
        l.full_name,
        l.job_title,
        l.lifecycle_stage,
        l.merged_into_id,
        1 as is_lead,
        l.updated_at,
        r.source_id
    from records as r
    inner join {{ ref('stg_crm__leads') }} as l on l.lead_id = r.source_id
    where r.source_system = 'crm' and r.source_object = 'leads'
),

newest as (
    select
        *,
        row_number() over (
            partition by contact_id
            order by
                case when merged_into_id is null then 0 else 1 end asc,
                is_lead asc,
                updated_at desc nulls last,
                source_id asc
        ) as place
    from crm
),

facts as (
    select
        contact_id,
        min(account_id) as account_id,
        count(*) as source_record_count,
        max(case when email is not null then 1 else 0 end) = 1 as has_email,
        max(case when phone is not null then 1 else 0 end) = 1 as has_phone
    from records
    group by contact_id
),

followers as (
    select
        r.contact_id,
        max(case when f.is_subscribed then 1 else 0 end) = 1 as is_follower
    from records as r
    inner join {{ ref('stg_wechat__followers') }} as f on f.openid = r.source_id
    where r.source_system = 'wechat' and r.source_object = 'followers'
    group by r.contact_id
),

touches as (
    select
        contact_id,
        min(occurred_at) as first_touch_at,
        max(occurred_at) as last_touch_at
    from {{ ref('touchpoints') }}
    where contact_id is not null
    group by contact_id
)

select
    f.contact_id,
    f.account_id,
    {{ masked_name('n.full_name') }} as masked_name,
    n.job_title,
    r.department,
    r.job_function,
    r.seniority,
    r.buying_role,
    r.decision_role,
    r.buying_influence,
    r.influence_score,
    coalesce(r.has_decision_power, false) as has_decision_power,
    r.role_confidence,
    r.preferred_channel,
    r.active_hours,
    b.behavior_driver,
    b.behavior_driver_share,
    n.lifecycle_stage,
    coalesce(w.is_follower, false) as is_follower,
    g.follower_segment,
    f.has_email,
    f.has_phone,
    t.first_touch_at,
    t.last_touch_at,
    f.source_record_count
from facts as f
left join newest as n on n.contact_id = f.contact_id and n.place = 1
left join {{ ref('int_people__contacts_profiled') }} as r on r.contact_id = f.contact_id
left join {{ ref('int_people__drivers') }} as b on b.contact_id = f.contact_id
left join followers as w on w.contact_id = f.contact_id
left join {{ ref('int_behaviour__follower_segments') }} as g on g.contact_id = f.contact_id
left join touches as t on t.contact_id = f.contact_id
