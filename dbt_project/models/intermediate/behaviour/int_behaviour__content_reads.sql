{# who read what kind of content in which stage of the account's journey: persons by their role, up to the night #}
with sessions as (
    select
        session_key,
        min(anonymous_id) as anonymous_id,
        min(occurred_at) as started_at
    from {{ ref('int_website__events_sessionized') }}
    group by session_key
    having max(case when is_bot or is_own_traffic then 1 else 0 end) = 0
),

reads as (
    select
        session_key,
        content_type,
        sum(page_views) as page_views
    from {{ ref('int_website__session_reads') }}
    where content_type is not null and page_views > 0
    group by session_key, content_type
),

placed as (
    select
        r.session_key,
        r.content_type,
        r.page_views,
        s.anonymous_id,
        v.contact_id,
        v.account_id,
        c.decision_role,
        s.started_at,
        w.channel,
        j.stage,
        j.stage_order,
        j.entered_at,
        row_number() over (
            partition by r.session_key, r.content_type order by j.entered_at desc nulls last, j.stage_order desc
        ) as place
    from sessions as s
    inner join reads as r on r.session_key = s.session_key
    inner join {{ ref('content_types') }} as t on t.content_type = r.content_type and t.is_sourcing
    inner join {{ ref('int_website__sessions_channelled') }} as w on w.session_key = s.session_key
    left join {{ source('identity', 'visitors') }} as v on v.anonymous_id = s.anonymous_id
    left join {{ ref('contacts') }} as c on c.contact_id = v.contact_id
    left join {{ ref('journey_stages') }} as j on j.account_id = v.account_id and j.entered_at <= s.started_at
    where s.started_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
)

select
    session_key,
    content_type,
    page_views,
    coalesce(contact_id, anonymous_id) as reader,
    account_id,
    coalesce(decision_role, 'unknown') as role,
    coalesce(stage, 'unknown') as stage,
    stage_order,
    entered_at,
    channel,
    started_at
from placed
where place = 1
