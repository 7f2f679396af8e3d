{# what people came for: work or learning, and the kind of it. Points of all that speaks for a kind add up; a kind is as
   likely as exp of its points beside those of the others, as in logistic regression with given weights #}
with sessions as (
    select
        session_key,
        min(anonymous_id) as anonymous_id,
        min(occurred_at) as started_at,
        sum(case when is_page_view then 1 else 0 end) as page_views
    from {{ ref('int_website__events_sessionized') }}
    group by session_key
    having max(case when is_bot or is_own_traffic then 1 else 0 end) = 0
),

in_order as (
    select
        *,
        lag(started_at) over (partition by anonymous_id order by started_at, session_key) as came_before_at
    from sessions
),

placed as (
    select
        session_key,
        page_views,
        {{ local_hour('started_at') }} as started_hour,
        {{ local_date('started_at') }} as started_on,
        {{ local_date('came_before_at') }} as came_before_on
    from in_order
),

evidence as (
    select
        r.session_key,
        'content' as feature,
        r.content_type as value,
        least(sum(r.page_views), {{ behaviour_parameter('content_pages_max') }}) as amount
    from {{ ref('int_website__session_reads') }} as r
    where r.content_type is not null and r.page_views > 0
    group by r.session_key, r.content_type
    union all
    select
        session_key,
        'depth' as feature,
        'one_page' as value,
        1 as amount
    from placed
    where page_views <= 1
    union all
    select
        session_key,
        'recency' as feature,
        'returned' as value,
        1 as amount
    from placed
    where {{ days_between('came_before_on', 'started_on') }} <= {{ behaviour_parameter('returned_days') }}
    union all
    select
        session_key,
        'hours' as feature,
        -- weeks begin on Monday
        case
            when {{ days_between(dbt.date_trunc('week', 'started_on'), 'started_on') }} >= 5 then 'weekend'
            else 'evening'
        end as value,
        1 as amount
    from placed
    where
        {{ days_between(dbt.date_trunc('week', 'started_on'), 'started_on') }} >= 5
        or started_hour < {{ behaviour_parameter('office_from_hour') }}
        or started_hour >= {{ behaviour_parameter('office_until_hour') }}
),

points as (
    select
        e.session_key,
        w.sub_driver,
        sum(e.amount * w.points) as points,
        {{ dbt.listagg(
            "concat(e.value, ' ', cast(cast(e.amount as integer) as " ~ dbt.type_string() ~ "))", "', '",
            "order by e.amount * w.points desc, e.value"
        ) }} as evidence
    from evidence as e
    inner join {{ ref('driver_weights') }} as w on w.feature = e.feature and w.value = e.value
    group by e.session_key, w.sub_driver
),

-- who read nothing that says anything stays without a driver. The evidence joins at the end: here every session stands
-- once for every driver
likely as (
    select
        s.session_key,
        d.sub_driver,
        d.driver,
        exp(cast(coalesce(p.points, 0) as double)) as odds
    from (
        select distinct e.session_key
        from points as e
        inner join placed as s on s.session_key = e.session_key
    ) as s
    cross join {{ ref('drivers') }} as d
    left join points as p on p.session_key = s.session_key and p.sub_driver = d.sub_driver
),

shared as (
    select
        *,
        sum(odds) over (partition by session_key) as all_odds,
        sum(odds) over (partition by session_key, driver) as driver_odds
    from likely
),

ranked as (
    select
        *,
        -- the order of a sum of doubles shall not show
        round(driver_odds / all_odds, 6) as driver_confidence,
        row_number() over (
            partition by session_key
            order by round(driver_odds / all_odds, 6) desc, round(odds / all_odds, 6) desc, sub_driver asc
        ) as place
    from shared
)

select
    r.session_key,
    r.driver,
    case when r.driver is not null then r.sub_driver end as sub_driver,
    r.driver_confidence,
    p.evidence as driver_evidence
from ranked as r
left join points as p on p.session_key = r.session_key and p.sub_driver = r.sub_driver
where r.place = 1 and r.driver_confidence >= {{ behaviour_parameter('driver_confidence_min') }}
