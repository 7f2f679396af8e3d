{# the market: who may buy or has bought, with the outcome so far. Competitors and partners never buy #}
with listed as (
    select
        account_id,
        min(valid_from) as created_at
    from {{ source('identity', 'companies') }}
    group by account_id
),

relations as (
    select
        account_id,
        value as company_relation
    from {{ ref('account_attributes') }}
    where attribute = 'company_relation' and is_selected
),

deals as (
    select
        account_id,
        min(case when deal_state = 'won' then closed_at end) as first_won_at,
        max(case when deal_state = 'lost' then closed_at end) as last_lost_at,
        count(case when deal_state = 'open' then 1 end) as open_deal_count,
        count(case when deal_state = 'won' then 1 end) as won_deal_count
    from {{ ref('int_crm__deals_classified') }}
    where account_id is not null
    group by account_id
),

best as (
    select
        b.account_id,
        b.rank_number,
        b.rank_number <= t.value as is_best_customer
    from {{ ref('best_customers') }} as b
    inner join {{ ref('persona_thresholds') }} as t on t.threshold = 'best_customers_compared'
)

select
    l.account_id,
    l.created_at,
    d.first_won_at,
    coalesce(d.won_deal_count, 0) > 0 as is_customer,
    -- an account that lost and tries again is not decided yet
    coalesce(d.won_deal_count > 0 or d.open_deal_count = 0, false) as is_outcome_known,
    coalesce(d.first_won_at, d.last_lost_at) as outcome_at,
    b.rank_number as customer_rank,
    coalesce(d.won_deal_count > 0 and b.is_best_customer, false) as is_best_customer
from listed as l
left join relations as r on r.account_id = l.account_id
left join deals as d on d.account_id = l.account_id
left join best as b on b.account_id = l.account_id
where coalesce(r.company_relation, 'prospect') not in ('competitor', 'partner')
