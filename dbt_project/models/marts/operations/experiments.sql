{# A/B tests by variant: are the visitors shared out as planned, is the test strong enough, what is the difference, and
   are the six rules kept #}
{% set z = experiment_parameter('confidence_z') %}
with counted as (
    select
        experiment_id,
        variant,
        count(*) as visitor_count,
        count(case when is_mixed then 1 end) as mixed_count,
        -- rates are of those whose time is over, so that the young do not count as failures
        count(case when not is_mixed and is_over then 1 end) as n,
        count(case when not is_mixed and is_over and has_succeeded then 1 end) as k,
        count(case when not is_mixed and is_over and has_behaved then 1 end) as behaviour_k
    from {{ ref('int_experiments__visitors') }}
    group by experiment_id, variant
),

filled as (
    select
        x.*,
        v.variant,
        v.is_control,
        v.planned_share,
        coalesce(c.visitor_count, 0) as visitor_count,
        coalesce(c.mixed_count, 0) as mixed_count,
        coalesce(c.n, 0) as n,
        coalesce(c.k, 0) as k,
        coalesce(c.behaviour_k, 0) as behaviour_k
    from {{ ref('experiment_registry') }} as x
    inner join {{ ref('experiment_variants') }} as v on v.experiment_id = x.experiment_id
    left join counted as c on c.experiment_id = v.experiment_id and c.variant = v.variant
),

expected as (
    select
        *,
        count(*) over (partition by experiment_id) - 1 as degrees,
        sum(visitor_count) over (partition by experiment_id) * planned_share
        / sum(planned_share) over (partition by experiment_id) as expected_count
    from filled
),

shared as (
    select
        *,
        sum(power(visitor_count - expected_count, 2) / nullif(expected_count, 0)) over (partition by experiment_id)
            as srm_chi_square
    from expected
),

-- with one degree of freedom exact, with more by Wilson and Hilferty 1931
standardised as (
    select
        *,
        case
            when degrees = 1 then sqrt(srm_chi_square)
            when degrees > 1
                then
                    (power(srm_chi_square / degrees, 1e0 / 3) - (1 - 2e0 / (9 * degrees))) / sqrt(2e0 / (9 * degrees))
        end as srm_z
    from shared
),

judged as (
    select
        *,
        case
            when degrees = 1 then {{ normal_tails('srm_z') }}
            when srm_z >= 0 then {{ normal_tails('srm_z') }} / 2
            else 1 - {{ normal_tails('srm_z') }} / 2
        end as srm_p_value,
        case when n > 0 then cast(k as double) / n end as rate,
        {{ wilson_bound('k', 'n', z, 'lower') }} as rate_low,
        {{ wilson_bound('k', 'n', z, 'upper') }} as rate_high,
        case when n > 0 then cast(behaviour_k as double) / n end as behaviour_rate
    from standardised
),

compared as (
    select
        j.*,
        j.rate - c.rate as difference,
        -- Newcombe 1998, method 10: from the Wilson bounds of both
        j.rate - c.rate - sqrt(power(j.rate - j.rate_low, 2) + power(c.rate_high - c.rate, 2)) as difference_low,
        j.rate - c.rate + sqrt(power(j.rate_high - j.rate, 2) + power(c.rate - c.rate_low, 2)) as difference_high,
        j.behaviour_rate - c.behaviour_rate as behaviour_difference,
        abs(j.smallest_effect) / nullif(
            sqrt(
                c.rate * (1 - c.rate) / nullif(c.n, 0)
                + least(c.rate + abs(j.smallest_effect), 1) * (1 - least(c.rate + abs(j.smallest_effect), 1))
                / nullif(j.n, 0)
            ),
            0
        ) - {{ z }} as power_z
    from judged as j
    left join judged as c on c.experiment_id = j.experiment_id and c.is_control and not j.is_control
),

powered as (
    select
        *,
        case
            when power_z >= 0 then 1 - {{ normal_tails('power_z') }} / 2
            else {{ normal_tails('power_z') }} / 2
        end as power,
        srm_p_value >= {{ experiment_parameter('srm_alarm') }} as is_share_as_planned
    from compared
)

select
    {{ dbt.hash("concat_ws('|', experiment_id, variant)") }} as experiment_variant_id,
    experiment_id,
    name,
    variant,
    is_control,
    metric,
    behaviour_metric,
    started_on,
    ended_on,
    visitor_count,
    mixed_count,
    cast(planned_share as double) as planned_share,
    cast(round(srm_chi_square, 6) as double) as srm_chi_square,
    cast(round(srm_p_value, 8) as double) as srm_p_value,
    is_share_as_planned,
    n,
    k,
    cast(round(rate, 6) as double) as rate,
    cast(round(rate_low, 6) as double) as rate_low,
    cast(round(rate_high, 6) as double) as rate_high,
    cast(round(difference, 6) as double) as difference,
    cast(round(difference_low, 6) as double) as difference_low,
    cast(round(difference_high, 6) as double) as difference_high,
    cast(smallest_effect as double) as smallest_effect,
    cast(round(power, 6) as double) as power,
    behaviour_k,
    cast(round(behaviour_rate, 6) as double) as behaviour_rate,
    coalesce(trim(others_experience), '') <> '' as is_others_experience_noted,
    coalesce(trim(changed_factors), '') <> '' and changed_factors not like '%;%' as is_one_variable,
    coalesce(trim(builds_on), '') <> '' as is_step_by_step,
    case
        when difference is null then null
        else not (difference_low > 0 and behaviour_difference < 0 or difference_high < 0 and behaviour_difference > 0)
    end as is_behaviour_in_line,
    metric is not null and behaviour_metric is not null and smallest_effect is not null as is_metric_defined,
    coalesce(abs(smallest_effect) >= {{ experiment_parameter('effect_min') }}, false) as is_factor_strong,
    case
        when is_control then 'control'
        when is_share_as_planned is null or n = 0 then 'nothing to read yet'
        when not is_share_as_planned then 'not to be read: visitors are not shared out as planned'
        when difference_low > 0 then 'better'
        when difference_high < 0 then 'worse'
        when power >= {{ experiment_parameter('power_wanted') }} then 'no difference that matters is likely'
        else 'too few to tell'
    end as result
from powered
