{# what is known of a person's role and habits, one value each, with how sure it is #}
with selected as (
    select
        contact_id,
        max(case when tag_type = 'department' then tag end) as department,
        max(case when tag_type = 'job_function' then tag end) as job_function,
        max(case when tag_type = 'seniority' then tag end) as seniority,
        max(case when tag_type = 'decision_role' then tag end) as decision_role,
        max(case when tag_type = 'buying_role' then tag end) as buying_role,
        max(case when tag_type = 'buying_influence' then tag end) as buying_influence,
        max(case when tag_type = 'decision_role' then tag_confidence end) as role_confidence
    from {{ ref('contact_role_tags') }}
    where is_selected
    group by contact_id
),

on_deals as (
    select
        p.contact_id,
        max(case when d.is_primary then 1 else 0 end) as is_primary
    from {{ ref('stg_crm__deal_contacts') }} as d
    inner join {{ source('identity', 'people') }} as p
        on p.source_system = 'crm' and p.source_object = 'contacts' and p.source_id = d.contact_id
    group by p.contact_id
),

active as (
    select
        contact_id,
        sum(activity_count) as activity_count
    from {{ ref('int_people__activities_joined') }}
    group by contact_id
),

people as (
    select distinct contact_id from {{ source('identity', 'people') }}
),

factors as (
    select
        contact_id,
        'seniority' as factor,
        seniority as value
    from selected
    union all
    select
        contact_id,
        'decision_role' as factor,
        decision_role as value
    from selected
    union all
    select
        contact_id,
        'deal_contact' as factor,
        case when is_primary = 1 then 'primary' else 'named' end as value
    from on_deals
    union all
    select
        contact_id,
        'activity' as factor,
        'five_or_more' as value
    from active
    where activity_count >= 5
),

influence as (
    select
        f.contact_id,
        -- the order of a sum of doubles shall not show: a night that runs again gives the same
        round(sum(w.points), 6) as points
    from factors as f
    inner join {{ ref('influence_weights') }} as w on w.factor = f.factor and w.value = f.value
    group by f.contact_id
),

touches as (
    select
        contact_id,
        channel,
        {{ local_hour('occurred_at') }} as hour_of_day
    from {{ ref('touchpoints') }}
    where contact_id is not null
),

channels as (
    select
        contact_id,
        channel,
        row_number() over (partition by contact_id order by count(*) desc, channel asc) as place,
        sum(count(*)) over (partition by contact_id) as touch_count
    from touches
    where channel is not null
    group by contact_id, channel
),

parts_of_day as (
    select
        contact_id,
        case
            when hour_of_day < 6 then '00-06'
            when hour_of_day < 9 then '06-09'
            when hour_of_day < 12 then '09-12'
            when hour_of_day < 14 then '12-14'
            when hour_of_day < 18 then '14-18'
            when hour_of_day < 21 then '18-21'
            else '21-24'
        end as active_hours
    from touches
),

hours as (
    select
        contact_id,
        active_hours,
        count(*) as touch_count
    from parts_of_day
    group by contact_id, active_hours
),

busiest as (
    select
        contact_id,
        active_hours,
        row_number() over (partition by contact_id order by touch_count desc, active_hours asc) as place,
        sum(touch_count) over (partition by contact_id) as touch_count
    from hours
)

select
    p.contact_id,
    s.department,
    s.job_function,
    s.seniority,
    s.decision_role,
    s.buying_role,
    s.buying_influence,
    s.role_confidence,
    s.decision_role = 'final' as has_decision_power,
    cast(case when i.points > 1 then 1 else i.points end as double) as influence_score,
    -- below three touches a habit is a chance
    case when c.touch_count >= 3 then c.channel end as preferred_channel,
    case when b.touch_count >= 3 then b.active_hours end as active_hours
from people as p
left join selected as s on s.contact_id = p.contact_id
left join influence as i on i.contact_id = p.contact_id
left join channels as c on c.contact_id = p.contact_id and c.place = 1
left join busiest as b on b.contact_id = p.contact_id and b.place = 1
