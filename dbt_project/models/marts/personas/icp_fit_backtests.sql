{# the tests of the fit: by tenths of the accounts tested, and over all of them #}
{% set z = 1.959964 %}
with scored as (
    select
        s.*,
        a.is_customer
    from {{ ref('int_personas__fit_scored') }} as s
    inner join {{ ref('int_personas__accounts') }} as a on a.account_id = s.account_id
),

tests as (
    select
        'unseen accounts' as test,
        account_id,
        is_customer,
        tested_probability as probability
    from scored
    where tested_probability is not null
    union all
    select
        'later accounts' as test,
        account_id,
        is_customer,
        later_probability as probability
    from scored
    where later_probability is not null
),

tenths as (
    select
        *,
        ntile(10) over (partition by test order by probability desc, account_id asc) as decile,
        avg(case when is_customer then 1 else 0 end) over (partition by test) as base_rate
    from tests
),

counted as (
    select
        test,
        cast(decile as integer) as decile,
        count(*) as n,
        sum(case when is_customer then 1 else 0 end) as k,
        avg(probability) as stated_rate,
        max(base_rate) as base_rate
    from tenths
    group by test, decile
    union all
    select
        test,
        0 as decile,
        count(*) as n,
        sum(case when is_customer then 1 else 0 end) as k,
        avg(probability) as stated_rate,
        max(base_rate) as base_rate
    from tenths
    group by test
),

-- both tests have their line of figures, also when nothing could be tested
named as (
    select 'unseen accounts' as test
    union all
    select 'later accounts' as test
),

figures as (
    select
        n.test,
        0 as decile,
        case when n.test = 'unseen accounts' then max(s.auc) else max(s.later_auc) end as auc,
        case when n.test = 'unseen accounts' then max(s.auc_low) else max(s.later_auc_low) end as auc_low,
        case when n.test = 'unseen accounts' then max(s.auc_high) else max(s.later_auc_high) end as auc_high,
        case when n.test = 'unseen accounts' then max(s.test_method) else max(s.later_method) end as method,
        case when n.test = 'unseen accounts' then max(s.brier) end as brier,
        case when n.test = 'unseen accounts' then max(s.constant_brier) end as constant_brier,
        case when n.test = 'unseen accounts' then max(s.points_table_auc) end as points_table_auc,
        case when n.test = 'unseen accounts' then max(s.gain) end as gain,
        case when n.test = 'unseen accounts' then max(s.gain_low) end as gain_low,
        case when n.test = 'unseen accounts' then max(s.gain_high) end as gain_high,
        case when n.test = 'unseen accounts' then max(s.calibration_slope) end as calibration_slope,
        case when n.test = 'unseen accounts' then max(s.calibration_slope_low) end as calibration_slope_low,
        case when n.test = 'unseen accounts' then max(s.calibration_slope_high) end as calibration_slope_high,
        case when n.test = 'unseen accounts' then max(s.calibration_error) end as calibration_error,
        case when n.test = 'later accounts' then max(s.late_fact_share) end as late_fact_share,
        max(s.warnings) as warnings,
        coalesce(
            max(s.reason),
            case
                when n.test = 'later accounts' and max(s.later_auc) is null
                    then 'too few outcomes before or after any day to test on later accounts'
            end,
            case when count(s.account_id) = 0 then 'cannot be known: the market has no accounts' end
        ) as reason,
        case
            when max(s.auc) is null then 'not tested'
            when n.test = 'later accounts' and max(s.later_auc) is null then 'not tested'
            when n.test = 'later accounts' and max(s.later_auc_low) > 0.5 then 'beats a constant'
            when n.test = 'later accounts' then 'does not beat a constant'
            when not coalesce(max(case when s.beats_constant then 1 else 0 end) = 1, false)
                then 'does not beat a constant'
            when max(s.points_table_auc) is null
                then 'beats a constant; no rule of the points table made by hand finds an attribute'
            when max(case when s.beats_points_table then 1 else 0 end) = 1
                then 'beats a constant and the points table made by hand'
            else 'beats a constant; does not beat the points table made by hand'
        end as verdict
    from named as n
    left join scored as s on 1 = 1
    group by n.test
),

listed as (
    select
        test,
        decile
    from figures
    union
    select
        test,
        decile
    from counted
)

select
    l.test,
    l.decile,
    coalesce(c.n, 0) as n,
    cast(coalesce(c.k, 0) as bigint) as k,
    round(cast(c.k as double) / c.n, 6) as rate,
    round({{ wilson_bound('c.k', 'c.n', z, 'lower') }}, 6) as rate_low,
    round({{ wilson_bound('c.k', 'c.n', z, 'upper') }}, 6) as rate_high,
    round(cast(c.stated_rate as double), 6) as stated_rate,
    round(cast(cast(c.k as double) / c.n / nullif(c.base_rate, 0) as double), 6) as lift,
    f.auc,
    f.auc_low,
    f.auc_high,
    f.method,
    f.brier,
    f.constant_brier,
    f.points_table_auc,
    f.gain,
    f.gain_low,
    f.gain_high,
    f.calibration_slope,
    f.calibration_slope_low,
    f.calibration_slope_high,
    f.calibration_error,
    f.late_fact_share,
    f.verdict,
    f.warnings,
    f.reason
from listed as l
left join counted as c on c.test = l.test and c.decile = l.decile
left join figures as f on f.test = l.test and f.decile = l.decile
