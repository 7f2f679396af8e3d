{# the usual size of an account's orders in CNY: the mean of what it bought, else of what is open, else of what was
   lost #}
with deals as (
    select
        d.account_id,
        d.deal_state,
        d.amount * x.rate_to_cny as amount_cny
    from {{ ref('int_crm__deals_classified') }} as d
    inner join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(d.currency)), 'CNY')
    where d.account_id is not null and d.amount > 0
),

sizes as (
    select
        account_id,
        deal_state,
        count(*) as deal_count,
        cast(round(sum(amount_cny) / count(*), 2) as decimal(38, 6)) as average_amount,
        row_number() over (
            partition by account_id order by case deal_state when 'won' then 1 when 'open' then 2 else 3 end
        ) as place
    from deals
    group by account_id, deal_state
)

select
    account_id,
    deal_state as basis,
    deal_count,
    average_amount
from sizes
where place = 1
