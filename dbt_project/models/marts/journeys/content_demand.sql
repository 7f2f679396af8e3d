{# what who reads when, against what there is to read, and whether accounts go further after it #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set z = behaviour_parameter('interval_z') %}
{% set min_cell = behaviour_parameter('min_cell') %}
{% set window = behaviour_parameter('content_window_days') %}
with reads as (
    select
        r.*,
        {{ local_date('r.started_at') }} as read_on
    from {{ ref('int_behaviour__content_reads') }} as r
),

-- by role and stage, with the sums of each, and by channel
cells as (
    select
        role,
        stage,
        'all' as channel,
        content_type,
        page_views,
        session_key,
        reader,
        account_id,
        stage_order,
        entered_at,
        started_at,
        read_on
    from reads
    union all
    select
        role,
        'all' as stage,
        'all' as channel,
        content_type,
        page_views,
        session_key,
        reader,
        account_id,
        stage_order,
        entered_at,
        started_at,
        read_on
    from reads
    union all
    select
        'all' as role,
        stage,
        'all' as channel,
        content_type,
        page_views,
        session_key,
        reader,
        account_id,
        stage_order,
        entered_at,
        started_at,
        read_on
    from reads
    union all
    select
        'all' as role,
        'all' as stage,
        'all' as channel,
        content_type,
        page_views,
        session_key,
        reader,
        account_id,
        stage_order,
        entered_at,
        started_at,
        read_on
    from reads
    union all
    select
        'all' as role,
        'all' as stage,
        channel,
        content_type,
        page_views,
        session_key,
        reader,
        account_id,
        stage_order,
        entered_at,
        started_at,
        read_on
    from reads
),

demanded as (
    select
        role,
        stage,
        channel,
        content_type,
        sum(page_views) as page_views,
        count(distinct session_key) as session_count,
        count(distinct reader) as reader_count
    from cells
    group by role, stage, channel, content_type
),

audiences as (
    select
        role,
        stage,
        channel,
        sum(page_views) as all_page_views,
        count(distinct reader) as audience
    from cells
    group by role, stage, channel
),

-- an entry into a stage in which the content was read, and whether a later stage was entered within the window
entries as (
    select
        role,
        stage,
        channel,
        content_type,
        account_id,
        stage_order,
        entered_at,
        min(started_at) as first_read_at,
        min(read_on) as first_read_on
    from cells
    where account_id is not null and entered_at is not null
    group by role, stage, channel, content_type, account_id, stage_order, entered_at
),

advanced as (
    select
        e.role,
        e.stage,
        e.channel,
        e.content_type,
        e.account_id,
        e.entered_at,
        max(
            case
                when
                    j.entered_at > e.first_read_at
                    and {{ days_between('e.first_read_on', local_date('j.entered_at')) }} <= {{ window }}
                    and {{ local_date('j.entered_at') }} <= {{ night }}
                    then 1
                else 0
            end
        ) as is_advanced
    from entries as e
    left join {{ ref('journey_stages') }} as j on j.account_id = e.account_id and j.stage_order > e.stage_order
    where {{ days_between('e.first_read_on', night) }} >= {{ window }}
    group by e.role, e.stage, e.channel, e.content_type, e.account_id, e.entered_at
),

converted as (
    select
        role,
        stage,
        channel,
        content_type,
        count(*) as n,
        sum(is_advanced) as k
    from advanced
    group by role, stage, channel, content_type
),

-- an article is offered in WeChat, whose readers nobody names: it is supply, and its readers are in no row
supplied as (
    select
        t.content_type,
        count(c.content_id) as item_count,
        sum(case when c.content_kind = 'article' then 1 else 0 end) as article_count
    from {{ ref('content_types') }} as t
    left join {{ ref('int_content__classified') }} as c on c.content_type = t.content_type
    where t.is_sourcing
    group by t.content_type
),

shared as (
    select
        s.*,
        cast(s.item_count as double) / nullif(sum(s.item_count) over (), 0) as supply_share
    from supplied as s
),

told as (
    select
        a.role,
        a.stage,
        a.channel,
        s.content_type,
        coalesce(d.page_views, 0) as page_views,
        coalesce(d.session_count, 0) as session_count,
        coalesce(d.reader_count, 0) as reader_count,
        a.audience,
        s.item_count,
        coalesce(s.article_count, 0) as article_count,
        s.supply_share,
        case
            when a.audience >= {{ min_cell }} then cast(coalesce(d.page_views, 0) as double) / a.all_page_views
        end as demand_share,
        coalesce(c.n, 0) as n,
        coalesce(c.k, 0) as k
    from audiences as a
    cross join shared as s
    left join demanded as d
        on d.role = a.role and d.stage = a.stage and d.channel = a.channel and d.content_type = s.content_type
    left join converted as c
        on c.role = a.role and c.stage = a.stage and c.channel = a.channel and c.content_type = s.content_type
)

select
    {{ dbt.hash("concat_ws('|', content_type, role, stage, channel)") }} as content_demand_id,
    content_type,
    role,
    stage,
    channel,
    cast(page_views as bigint) as page_views,
    cast(session_count as bigint) as session_count,
    cast(reader_count as bigint) as reader_count,
    cast(audience as bigint) as audience,
    demand_share,
    cast(item_count as bigint) as item_count,
    cast(article_count as bigint) as article_count,
    supply_share,
    demand_share - supply_share as gap,
    cast(n as bigint) as n,
    cast(k as bigint) as k,
    case when n >= {{ min_cell }} then cast(k as double) / n end as rate,
    case when n >= {{ min_cell }} then {{ wilson_bound('k', 'n', z, 'lower') }} end as rate_low,
    case when n >= {{ min_cell }} then {{ wilson_bound('k', 'n', z, 'upper') }} end as rate_high,
    case
        when audience < {{ min_cell }} then 'too few readers'
        when n < {{ min_cell }} then 'too few accounts whose window has passed'
    end as reason
from told
