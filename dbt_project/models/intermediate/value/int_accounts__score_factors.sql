{# the plus and minus factors of every customer at every review: raw, as its place among the customers of that day, and
   in points. What is not known of one customer is put in the middle and says so; what is known of none is left out and
   its weight with it #}
{% set factors = {
    'demand': 'recent_amount + open_amount',
    'gross_margin': 'case when costed_revenue > 0 then cast(costed_revenue - cost as double) / costed_revenue end',
    'product_kinds': 'nullif(product, 0)',
    'cooperation_base': 'gross_profit',
    'cooperation_years': 'customer_days / 365e0',
    'response': 'cycle_days',
    'referrals': 'case when max(referral) over () > 0 then referral end',
    'brand': 'employee_count',
    'payment': 'case when due > 0 then cast(paid_in_time as double) / due end',
    'growth': 'ltv',
    'collection': 'case when paid > 0 then cast(days_late as double) / paid end',
    'reputation': 'case when answer > 0 then cast(satisfaction as double) / answer end',
    'breach': 'case when due > 0 then breach end',
    'service_difficulty':
        'case when max(ticket) over () > 0 then cast(support_hours as double) / greatest(revenue / 10000, support_revenue_min / 10000) end'
} %}
with sizes as (
    select
        account_id,
        max(value_number) as employee_count
    from {{ ref('account_attributes') }}
    where attribute = 'employee_count' and is_selected
    group by account_id
),

facts as (
    select
        v.*,
        e.employee_count,
        case when v.invoiced > 0 then v.invoiced else v.won_amount end as revenue,
        {{ value_parameter('support_revenue_min') }} as support_revenue_min
    from {{ ref('int_accounts__value_as_of') }} as v
    left join sizes as e on e.account_id = v.account_id
),

raws as (
    {% for factor, raw in factors.items() %}
        select
            account_id,
            review_date,
            '{{ factor }}' as factor,
            cast(round({{ raw }}, 6) as decimal(38, 6)) as raw
        from facts
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (
    select
        r.account_id,
        r.review_date,
        r.factor,
        f.direction,
        cast(f.weight as decimal(18, 6)) as weight,
        r.raw,
        count(r.raw) over (partition by r.factor, r.review_date) as known_count,
        case
            when f.is_high_more then {{ percentile_rank('r.raw', 'r.factor, r.review_date') }}
            else {{ percentile_rank('r.raw', 'r.factor, r.review_date', high=false) }}
        end as place
    from raws as r
    inner join {{ ref('score_factors') }} as f on f.factor = r.factor
),

weighed as (
    select
        *,
        sum(weight) over (partition by account_id, review_date) as total_weight
    from ranked
    where known_count > 0
)

select
    account_id,
    review_date,
    factor,
    direction,
    raw,
    raw is not null as is_known,
    known_count,
    cast(round(coalesce(place, 0.5), 6) as decimal(18, 6)) as normalised,
    cast(round(weight / total_weight, 6) as decimal(18, 6)) as weight_share,
    cast(
        round(
            100 * (weight / total_weight) * coalesce(place, 0.5) * (case when direction = 'minus' then -1 else 1 end), 4
        ) as decimal(18, 4)
    ) as points
from weighed
