{# the market: who may buy or has bought, with the outcome so far. Competitors and partners never buy #}
with deals as (
    select * from {{ ref('int_crm__deals_classified') }}
),

summed as (
    select
        d.account_id,
        min(case when d.deal_state = 'won' then d.closed_at end) as first_won_at,
        max(case when d.deal_state = 'lost' then d.closed_at end) as last_lost_at,
        count(case when d.deal_state = 'open' then 1 end) as open_deal_count,
        count(case when d.deal_state = 'won' then 1 end) as won_deal_count,
        sum(case when d.deal_state = 'won' then d.amount * r.rate_to_cny end) as won_amount_cny
    from deals as d
    left join {{ ref('exchange_rates') }} as r on r.currency = coalesce(upper(trim(d.currency)), 'CNY')
    where d.account_id is not null
    group by d.account_id
),

market as (
    select
        a.account_id,
        a.created_at,
        s.first_won_at,
        s.won_amount_cny,
        coalesce(s.won_deal_count, 0) > 0 as is_customer,
        -- an account that lost and tries again is not decided yet
        coalesce(s.won_deal_count > 0 or s.open_deal_count = 0, false) as is_outcome_known,
        coalesce(s.first_won_at, s.last_lost_at) as outcome_at
    from {{ ref('accounts') }} as a
    left join summed as s on s.account_id = a.account_id
    where coalesce(a.company_relation, 'prospect') not in ('competitor', 'partner')
),

ranked as (
    select
        *,
        case
            when is_customer
                then
                    row_number() over (
                        partition by is_customer order by won_amount_cny desc nulls last, account_id asc
                    )
        end as customer_rank
    from market
)

select
    r.account_id,
    r.created_at,
    r.first_won_at,
    r.won_amount_cny,
    r.is_customer,
    r.is_outcome_known,
    r.outcome_at,
    r.customer_rank,
    coalesce(r.customer_rank <= t.value, false) as is_best_customer
from ranked as r
inner join {{ ref('persona_thresholds') }} as t on t.threshold = 'best_customers_compared'
