{# days on which a metric was far from the same weekday of the weeks before: middle and median absolute deviation, which
   one odd day does not move, and no more false alarms than one in twenty however many series are watched #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with values_of_days as (
    select * from {{ ref('kpi_daily') }}
),

watched as (
    select * from values_of_days
    where {{ days_between('day', night) }} < {{ kpi_parameter('alert_days') }}
),

baselines as (
    select
        w.kpi_daily_id,
        cast(b.value as double) as value,
        b.record_count
    from watched as w
    inner join values_of_days as b
        on
            b.metric = w.metric
            and b.segment_type = w.segment_type
            and b.segment = w.segment
            and b.day < w.day
            and {{ days_between('b.day', 'w.day') }} <= 7 * {{ kpi_parameter('baseline_weeks') }}
    where {{ days_between('b.day', 'w.day') }} % 7 = 0
),

middles as (
    select
        kpi_daily_id,
        count(*) as baseline_count,
        {{ median_of('value') }} as usual_value,
        {{ median_of('record_count') }} as usual_record_count
    from baselines
    group by kpi_daily_id
),

spreads as (
    select
        b.kpi_daily_id,
        {{ median_of('abs(b.value - m.usual_value)') }} as deviation
    from baselines as b
    inner join middles as m on m.kpi_daily_id = b.kpi_daily_id
    group by b.kpi_daily_id
),

judged as (
    select
        w.*,
        m.baseline_count,
        m.usual_value,
        -- what is counted varies by chance like its own square root at least (Poisson), money by a tenth at least;
        -- and the middle of n days is itself off by pi/(2n) of that
        greatest(
            1.4826 * s.deviation, case when k.unit = 'CNY' then 0.1 * m.usual_value else sqrt(m.usual_value) end
        )
        * sqrt(1 + 1.5707963 / m.baseline_count) as spread,
        k.is_high_good
    from watched as w
    inner join middles as m on m.kpi_daily_id = w.kpi_daily_id
    inner join spreads as s on s.kpi_daily_id = w.kpi_daily_id
    inner join {{ ref('kpi_metrics') }} as k on k.metric = w.metric
    where
        m.baseline_count >= {{ kpi_parameter('baseline_min') }}
        and m.usual_record_count >= k.min_records
        and m.usual_value > 0
),

scored as (
    select
        *,
        (value - usual_value) / spread as swing
    from judged
),

tested as (
    select
        *,
        {{ normal_tails('swing') }} as p_value
    from scored
),

ranked as (
    select
        *,
        count(*) over (partition by day) as tested_count,
        row_number() over (partition by day order by p_value asc, kpi_daily_id asc) as place
    from tested
),

adjusted as (
    select
        *,
        least(
            1.0,
            min(p_value * tested_count / place) over (
                partition by day order by place desc rows between unbounded preceding and current row
            )
        ) as q_value
    from ranked
)

select
    kpi_daily_id as kpi_alert_id,
    metric,
    stage,
    owner_team,
    segment_type,
    segment,
    day,
    value,
    cast(usual_value as double) as usual_value,
    cast(round(usual_value - {{ kpi_parameter('swing_min') }} * spread, 4) as double) as lower_bound,
    cast(round(usual_value + {{ kpi_parameter('swing_min') }} * spread, 4) as double) as upper_bound,
    baseline_count,
    cast(round(swing, 4) as double) as swing,
    cast(round(p_value, 10) as double) as p_value,
    cast(round(q_value, 10) as double) as q_value,
    tested_count,
    case when swing > 0 then 'up' else 'down' end as direction,
    (swing > 0) = is_high_good as is_good
from adjusted
where abs(swing) >= {{ kpi_parameter('swing_min') }} and q_value <= {{ kpi_parameter('false_alarms_max') }}
