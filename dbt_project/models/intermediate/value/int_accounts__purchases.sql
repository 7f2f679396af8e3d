{# deals that were won, with what they brought; the day is that of the signature, else of the record #}
with deals as (
    select
        c.deal_id,
        c.account_id,
        c.amount,
        c.currency,
        {{ local_date('coalesce(c.closed_at, c.created_at)') }} as bought_on,
        -- a deal that closes before it opens tells nothing of the time it took
        case when c.closed_at >= c.created_at then {{ seconds_between('c.created_at', 'c.closed_at') }} / 86400e0 end
            as cycle_days,
        s.product,
        s.discount_pct,
        s.presales_hours
    from {{ ref('int_crm__deals_classified') }} as c
    inner join {{ ref('stg_crm__deals') }} as s on s.deal_id = c.deal_id
    where c.deal_state = 'won' and c.account_id is not null
)

select
    d.deal_id,
    d.account_id,
    d.bought_on,
    {{ in_cny('d.amount') }} as amount_cny,
    d.amount is not null and x.currency is null as is_without_rate,
    cast(round(d.cycle_days, 4) as double) as cycle_days,
    nullif(lower(trim(d.product)), '') as product,
    d.discount_pct,
    d.presales_hours,
    row_number() over (partition by d.account_id order by d.bought_on asc nulls last, d.deal_id asc) as purchase_number
from deals as d
left join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(d.currency)), 'CNY')
where d.bought_on is null or d.bought_on <= cast('{{ var("as_of_date") }}' as date)
