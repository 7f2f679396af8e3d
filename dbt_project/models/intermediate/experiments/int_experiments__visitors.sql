{# who was shown which variant, and what they did afterwards. A visitor is given to a variant by the first link they
   came by; who came by links of two variants has seen both and counts for none #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with events as (
    select
        e.anonymous_id,
        e.occurred_at,
        e.is_page_view,
        {{ local_date('e.occurred_at') }} as day,
        lower(trim(s.utm_campaign)) as utm_campaign,
        lower(trim(s.utm_content)) as utm_content
    from {{ ref('int_website__events_sessionized') }} as e
    inner join {{ ref('stg_website__events') }} as s on s.event_id = e.event_id
    where not e.is_bot and not coalesce(e.is_own_traffic, false)
),

seen as (
    select
        x.experiment_id,
        v.variant,
        e.anonymous_id,
        min(e.occurred_at) as assigned_at
    from events as e
    inner join {{ ref('experiment_registry') }} as x
        on
            lower(trim(x.utm_campaign)) = e.utm_campaign
            and x.started_on <= e.day
            and coalesce(x.ended_on, {{ night }}) >= e.day
    inner join {{ ref('experiment_variants') }} as v
        on v.experiment_id = x.experiment_id and lower(trim(v.utm_content)) = e.utm_content
    where e.day <= {{ night }}
    group by x.experiment_id, v.variant, e.anonymous_id
),

assigned as (
    select
        *,
        count(*) over (partition by experiment_id, anonymous_id) > 1 as is_mixed,
        row_number() over (partition by experiment_id, anonymous_id order by assigned_at asc, variant asc) as place
    from seen
),

behaved as (
    select
        a.experiment_id,
        a.anonymous_id,
        count(case when e.is_page_view then 1 end) > 1 as has_second_page,
        count(distinct e.day) > 1 as has_return_day
    from assigned as a
    inner join events as e on e.anonymous_id = a.anonymous_id and e.occurred_at >= a.assigned_at
    where a.place = 1
    group by a.experiment_id, a.anonymous_id
),

-- a person on two devices is one person, and the first device has the result
known as (
    select
        a.experiment_id,
        a.anonymous_id,
        v.contact_id,
        row_number() over (
            partition by a.experiment_id, v.contact_id order by a.assigned_at asc, a.anonymous_id asc
        ) as device_number
    from assigned as a
    inner join {{ source('identity', 'visitors') }} as v on v.anonymous_id = a.anonymous_id
    where a.place = 1 and v.contact_id is not null
),

succeeded as (
    select distinct
        a.experiment_id,
        a.anonymous_id
    from assigned as a
    inner join known as k
        on k.experiment_id = a.experiment_id and k.anonymous_id = a.anonymous_id and k.device_number = 1
    inner join {{ ref('experiment_registry') }} as x on x.experiment_id = a.experiment_id
    inner join {{ ref('lead_stages') }} as l on l.contact_id = k.contact_id and l.stage = x.metric
    where
        a.place = 1
        and l.entered_at >= a.assigned_at
        and {{ seconds_between('a.assigned_at', 'l.entered_at') }} <= 86400 * x.outcome_days
)

select
    {{ dbt.hash("concat_ws('|', a.experiment_id, a.anonymous_id)") }} as experiment_visitor_id,
    a.experiment_id,
    a.variant,
    a.assigned_at,
    a.is_mixed,
    -- whose time is not over yet may still succeed
    {{ days_between(local_date('a.assigned_at'), night) }} >= x.outcome_days as is_over,
    case x.behaviour_metric
        when 'second_page' then b.has_second_page
        when 'return_day' then b.has_return_day
    end as has_behaved,
    s.anonymous_id is not null as has_succeeded
from assigned as a
inner join {{ ref('experiment_registry') }} as x on x.experiment_id = a.experiment_id
inner join behaved as b on b.experiment_id = a.experiment_id and b.anonymous_id = a.anonymous_id
left join succeeded as s on s.experiment_id = a.experiment_id and s.anonymous_id = a.anonymous_id
where a.place = 1
