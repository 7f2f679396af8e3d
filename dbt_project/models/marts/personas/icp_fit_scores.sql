{# how likely each account of the market is to buy, with the signals that add up to it and its tenth in the back-test #}
with scored as (
    select * from {{ ref('int_personas__fit_scored') }}
),

judged as (
    select
        *,
        cast(outcomes_with as double) / nullif(outcomes_with + outcomes_without, 0) as base_rate
    from scored
),

-- who is ranked by a score that does not beat a constant is ranked by chance
placed as (
    select
        j.*,
        g.segment,
        row_number() over (partition by j.account_id order by g.place) as turn
    from judged as j
    left join {{ ref('fit_segments') }} as g
        on j.beats_constant and j.fit_probability >= g.lower_lift * j.base_rate
)

select
    account_id,
    fit_points as score,
    fit_probability as probability,
    base_rate,
    segment,
    base_points,
    signals,
    fit_decile as decile,
    decile_n,
    decile_rate,
    decile_rate_low,
    decile_rate_high,
    decile_lift,
    tested_probability,
    later_probability,
    coalesce(
        reason,
        case
            when not beats_constant then 'no segment: the score does not beat a constant on accounts it has not seen'
        end
    ) as reason
from placed
where turn = 1
