{# customers by the mean of their places in the seven measures of a best customer, as far as they are known, and the
   picks of people beside #}
{% set measures = [
    'cycle_days', 'gross_profit_cny', 'won_revenue_cny', 'referral_count', 'support_hours_per_10k', 'ltv_to_cac',
    'nps_score'
] %}
{% set low_is_good = ['cycle_days', 'support_hours_per_10k'] %}
with facts as (
    select
        account_id,
        cycle_days,
        -- an assumed margin makes profit of revenue, which is a measure of its own
        case when profit_basis = 'invoices' then gross_profit_cny end as gross_profit_cny,
        won_revenue_cny,
        referral_count,
        support_hours_per_10k,
        ltv_to_cac,
        nps_score,
        nps_responses
    from {{ ref('int_accounts__value') }}
    where is_customer
),

placed as (
    select
        *,
    {% for measure in measures %}
        {{ percentile_rank(measure, high=measure not in low_is_good) }} as {{ measure }}_place{{ ',' if not loop.last }}
    {% endfor %}
    from facts
),

counted as (
    select
        *,
        {% for measure in measures %}
            case when {{ measure }} is null then 0 else 1 end {{ '+' if not loop.last else 'as measure_count,' }}
        {% endfor %}
        {% for measure in measures %}
            coalesce({{ measure }}_place, 0) {{ '+' if not loop.last else 'as place_sum' }}
        {% endfor %}
    from placed
),

scored as (
    select
        *,
        cast(round(place_sum / nullif(measure_count, 0), 6) as double) as score,
        -- who is known by less than half of what is known of others may lead by luck
        2 * measure_count >= max(measure_count) over () and measure_count > 0 as is_ranked
    from counted
),

ranked as (
    select
        *,
        case
            when is_ranked
                then
                    row_number() over (
                        partition by is_ranked order by score desc, won_revenue_cny desc nulls last, account_id asc
                    )
        end as rank_number
    from scored
),

named as (
    {{ accounts_named_in('best_customer_picks') }}
),

picks as (
    select
        account_id,
        {{ dbt.listagg('reason', "'; '", 'order by reason') }} as pick_reason
    from named
    where account_id is not null
    group by account_id
),

compared as (
    select
        r.*,
        coalesce(r.rank_number <= {{ value_parameter('best_customers') }}, false) as is_best,
        p.account_id is not null as is_picked,
        p.pick_reason
    from ranked as r
    left join picks as p on p.account_id = r.account_id
)

select
    account_id,
    rank_number,
    score,
    measure_count,
    cast(cycle_days as double) as cycle_days,
    gross_profit_cny,
    won_revenue_cny,
    referral_count,
    support_hours_per_10k,
    ltv_to_cac,
    nps_score,
    nps_responses,
    {% for measure in measures %}
        cast(round({{ measure }}_place, 6) as double) as {{ measure }}_place,
    {% endfor %}
    is_best,
    is_picked,
    pick_reason,
    case
        when is_best and is_picked then 'both'
        when is_best then 'computed'
        when is_picked then 'picked'
        else 'neither'
    end as chosen_by,
    cast(sum(case when is_picked then 1 else 0 end) over () as bigint) as picked_count,
    cast(sum(case when is_best and is_picked then 1 else 0 end) over () as bigint) as overlap_count
from compared
