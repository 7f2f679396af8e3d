{# do new followers buy rather than long-active ones? Both are watched for equally long, and only those of whom the
   whole time has passed are counted #}
{% set text = dbt.type_string() %}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set z = behaviour_parameter('interval_z') %}
{% set min_cell = behaviour_parameter('min_cell') %}
with outcomes as (
    select 'lead' as outcome
    union all
    select 'sql' as outcome
    union all
    select 'won' as outcome
),

-- who was one before cannot become one
before as (
    select
        e.openid,
        e.follower_segment,
        e.watched_from,
        x.outcome,
        max(case when o.happened_at < e.watched_from then 1 else 0 end) as was_before,
        min(case when o.happened_at >= e.watched_from then o.happened_at end) as happened_at
    from {{ ref('int_behaviour__follower_entries') }} as e
    cross join outcomes as x
    left join {{ ref('int_behaviour__follower_outcomes') }} as o
        on o.contact_id = e.contact_id and o.outcome = x.outcome
    group by e.openid, e.follower_segment, e.watched_from, x.outcome
),

watched as (
    select
        e.openid,
        e.follower_segment,
        e.follow_scene,
        e.cohort_month,
        e.watched_from,
        b.outcome,
        w.window_days,
        {{ days_between('e.watched_on', night) }} >= w.window_days as is_observed,
        coalesce(
            {{ seconds_between('e.watched_from', 'b.happened_at') }} <= w.window_days * 86400, false
        ) as is_converted
    from {{ ref('int_behaviour__follower_entries') }} as e
    inner join before as b
        on
            b.openid = e.openid
            and b.follower_segment = e.follower_segment
            and b.watched_from = e.watched_from
            and b.was_before = 0
    cross join {{ ref('follower_windows') }} as w
),

-- over all months a person counts once in each segment, by the first time that was watched to its end
numbered as (
    select
        *,
        row_number() over (
            partition by openid, follower_segment, outcome, window_days
            order by case when is_observed then 0 else 1 end asc, watched_from asc
        ) as place
    from watched
),

cohorts as (
    select
        'all' as cohort,
        n.*
    from numbered as n
    where n.place = 1
    union all
    select
        cast(n.cohort_month as {{ dbt.type_string() }}) as cohort,
        n.*
    from numbered as n
),

scened as (
    select
        'all' as scene,
        c.*
    from cohorts as c
    union all
    select
        coalesce(c.follow_scene, 'unknown') as scene,
        c.*
    from cohorts as c
    where c.cohort = 'all'
),

counted as (
    select
        cohort,
        scene,
        window_days,
        outcome,
        sum(case when follower_segment = 'new' and is_observed then 1 else 0 end) as new_n,
        sum(case when follower_segment = 'new' and is_observed and is_converted then 1 else 0 end) as new_k,
        sum(case when follower_segment = 'new' and not is_observed then 1 else 0 end) as new_unobserved_count,
        sum(case when follower_segment = 'long_active' and is_observed then 1 else 0 end) as long_n,
        sum(case when follower_segment = 'long_active' and is_observed and is_converted then 1 else 0 end) as long_k,
        sum(case when follower_segment = 'long_active' and not is_observed then 1 else 0 end) as long_unobserved_count
    from scened
    group by cohort, scene, window_days, outcome
),

told as (
    select
        *,
        new_n >= {{ min_cell }} as is_new_told,
        long_n >= {{ min_cell }} as is_long_told,
        case
            when least(new_n, long_n) >= {{ min_cell }} and new_k > 0 and long_k > 0
                then (cast(new_k as double) / new_n) / (cast(long_k as double) / long_n)
        end as lift
    from counted
),

spread as (
    select
        *,
        -- Katz and others 1978: the logarithm of a ratio of two shares is about normal
        case
            when lift is not null
                then sqrt(1e0 / new_k - 1e0 / new_n + 1e0 / long_k - 1e0 / long_n)
        end as log_deviation
    from told
)

select
    {{ dbt.hash("concat_ws('|', cohort, scene, cast(window_days as " ~ text ~ "), outcome)") }} as follower_cohort_id,
    cohort,
    scene,
    window_days,
    outcome,
    cast(new_n as bigint) as new_n,
    cast(new_k as bigint) as new_k,
    case when is_new_told then cast(new_k as double) / new_n end as new_rate,
    case when is_new_told then {{ wilson_bound('new_k', 'new_n', z, 'lower') }} end as new_rate_low,
    case when is_new_told then {{ wilson_bound('new_k', 'new_n', z, 'upper') }} end as new_rate_high,
    cast(new_unobserved_count as bigint) as new_unobserved_count,
    cast(long_n as bigint) as long_n,
    cast(long_k as bigint) as long_k,
    case when is_long_told then cast(long_k as double) / long_n end as long_rate,
    case when is_long_told then {{ wilson_bound('long_k', 'long_n', z, 'lower') }} end as long_rate_low,
    case when is_long_told then {{ wilson_bound('long_k', 'long_n', z, 'upper') }} end as long_rate_high,
    cast(long_unobserved_count as bigint) as long_unobserved_count,
    lift,
    lift * exp(-{{ z }} * log_deviation) as lift_low,
    lift * exp({{ z }} * log_deviation) as lift_high,
    case
        when new_n + long_n = 0 then 'the window has not passed'
        when not is_new_told or not is_long_told then 'too few'
        when lift is null then 'no conversion on one side'
    end as reason
from spread
