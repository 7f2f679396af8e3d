{# operating metrics by day and segment, days without anything included, with target and comparisons beside #}
{% set text = dbt.type_string() %}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set first_day = dbt.dateadd('day', '1 - cast(' ~ kpi_parameter('history_days') ~ ' as integer)', night) %}
with events as (
    select * from {{ ref('int_kpi__events') }}
),

segmented as (
    select
        metric,
        day,
        'all' as segment_type,
        'all' as segment,
        value
    from events
    {% for segment_type in ['channel', 'city', 'product', 'customer_age', 'competitor'] %}
        union all
        select
            metric,
            day,
            '{{ segment_type }}' as segment_type,
            {{ segment_type }} as segment,
            value
        from events
        where {{ segment_type }} is not null
    {% endfor %}
),

summed as (
    select
        metric,
        segment_type,
        segment,
        day,
        sum(value) as value,
        count(*) as record_count
    from segmented
    group by metric, segment_type, segment, day
),

days as (
    {{ days_of('cast(' ~ first_day ~ ' as date)', night) }}
),

-- a metric begins with its first record: before that nobody counted
series as (
    select
        metric,
        segment_type,
        segment,
        min(min(day)) over (partition by metric) as since
    from summed
    group by metric, segment_type, segment
    having max(day) >= cast({{ first_day }} as date)
),

filled as (
    select
        s.metric,
        s.segment_type,
        s.segment,
        d.day,
        coalesce(v.value, 0) as value,
        coalesce(v.record_count, 0) as record_count
    from series as s
    inner join days as d on d.day >= s.since
    left join summed as v
        on v.metric = s.metric and v.segment_type = s.segment_type and v.segment = s.segment and v.day = d.day
),

-- parts of a target are equal for each of its days
targets as (
    select
        t.metric,
        t.segment_type,
        t.segment,
        d.day,
        sum(t.target / ({{ days_between('t.first_day', 't.last_day') }} + 1)) as target
    from {{ ref('kpi_targets') }} as t
    inner join days as d on d.day between t.first_day and t.last_day
    group by t.metric, t.segment_type, t.segment, d.day
),

compared as (
    select
        f.*,
        t.target,
        lag(f.value, 7) over (partition by f.metric, f.segment_type, f.segment order by f.day) as week_ago_value,
        lag(f.value, 364) over (partition by f.metric, f.segment_type, f.segment order by f.day) as year_ago_value,
        sum(f.value) over (
            partition by f.metric, f.segment_type, f.segment, {{ dbt.date_trunc('month', 'f.day') }} order by f.day
        ) as month_value,
        sum(t.target) over (
            partition by f.metric, f.segment_type, f.segment, {{ dbt.date_trunc('month', 'f.day') }} order by f.day
        ) as month_target,
        sum(case when f.segment_type = 'all' then f.value end) over (partition by f.metric, f.day) as all_value,
        avg(f.value) over (partition by f.metric, f.segment_type, f.day) as peer_mean
    from filled as f
    left join targets as t
        on t.metric = f.metric and t.segment_type = f.segment_type and t.segment = f.segment and t.day = f.day
)

select
    {{ dbt.hash("concat_ws('|', c.metric, c.segment_type, c.segment, cast(c.day as " ~ text ~ "))") }}
        as kpi_daily_id,
    c.metric,
    m.stage,
    m.owner_team,
    m.parent_metric,
    c.segment_type,
    c.segment,
    c.day,
    cast(c.value as decimal(38, 6)) as value,
    c.record_count,
    cast(c.target as double) as target,
    cast(c.week_ago_value as decimal(38, 6)) as week_ago_value,
    cast(c.year_ago_value as decimal(38, 6)) as year_ago_value,
    cast(c.month_value as decimal(38, 6)) as month_value,
    cast(c.month_target as double) as month_target,
    case when c.month_target > 0 then cast(c.month_value as double) / c.month_target end as month_attainment,
    case when c.all_value > 0 then cast(c.value as double) / c.all_value end as share_of_all,
    cast(case when c.segment_type <> 'all' then round(c.peer_mean, 6) end as double) as peer_mean
from compared as c
inner join {{ ref('kpi_metrics') }} as m on m.metric = c.metric
