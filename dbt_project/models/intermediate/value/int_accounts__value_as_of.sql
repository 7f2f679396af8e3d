{# what each customer was worth at the end of every month since its first purchase, and is tonight. Recomputed from
   dated facts each night: a late or corrected fact corrects the past, and nothing depends on which nights have run #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set sums = [
    'won_deal', 'won_amount', 'product', 'open_amount', 'invoiced', 'costed_revenue', 'cost', 'due', 'settled',
    'paid_in_time', 'paid', 'days_late', 'breach', 'ticket', 'support_hours', 'referral', 'referral_won', 'answer',
    'satisfaction', 'nps_answer', 'promoter', 'detractor'
] %}
with customers as (
    select
        account_id,
        min(bought_on) as customer_since,
        least(coalesce({{ dbt.last_day('min(bought_on)', 'month') }}, {{ night }}), {{ night }}) as first_review
    from {{ ref('int_accounts__purchases') }}
    group by account_id
),

nights as (
    {{ month_ends('(select coalesce(min(customer_since), ' ~ night ~ ') from customers)', night) }}
    union
    select {{ night }}
),

reviews as (
    select
        c.account_id,
        c.customer_since,
        n.month_end as review_date
    from customers as c
    inner join nights as n on n.month_end >= c.first_review
),

-- an event counts from the end of its month; what is known without a day counts tonight
dated as (
    select
        e.account_id,
        e.measure,
        e.amount,
        case
            when e.happened_on is null then {{ night }}
            else
                greatest(least(cast({{ dbt.last_day('e.happened_on', 'month') }} as date), {{ night }}), c.first_review)
        end as review_date
    from {{ ref('int_accounts__value_events') }} as e
    inner join customers as c on c.account_id = e.account_id
),

monthly as (
    select
        account_id,
        review_date,
    {% for measure in sums %}
        sum(case when measure = '{{ measure }}' then amount else 0 end) as {{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from dated
    group by account_id, review_date
),

summed as (
    select
        r.account_id,
        r.customer_since,
        r.review_date,
        row_number() over (partition by r.account_id order by r.review_date asc) as review_number,
    {% for measure in sums %}
        cast(
            coalesce(sum(m.{{ measure }}) over (partition by r.account_id order by r.review_date), 0)
            as decimal(38, 6)
        ) as {{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from reviews as r
    left join monthly as m on m.account_id = r.account_id and m.review_date = r.review_date
),

cycles as (
    select
        r.account_id,
        r.review_date,
        {{ median_of('p.cycle_days') }} as cycle_days
    from reviews as r
    inner join {{ ref('int_accounts__purchases') }} as p on p.account_id = r.account_id
    where p.cycle_days is not null and p.bought_on <= r.review_date
    group by r.account_id, r.review_date
),

-- purchases of the last months are those so far less those so far back then
recent as (
    select
        s.account_id,
        s.review_date,
        s.won_amount - coalesce(p.won_amount, 0) as recent_amount
    from summed as s
    left join summed as p
        on p.account_id = s.account_id and p.review_number = s.review_number - {{ value_parameter('demand_reviews') }}
),

valued as (
    select
        s.*,
        {{ days_between('s.customer_since', 's.review_date') }} as customer_days,
        case
            when s.costed_revenue > 0 then 'invoices'
            when s.invoiced > 0 then 'invoices at the assumed margin'
            when s.won_amount > 0 then 'deals at the assumed margin'
        end as profit_basis,
        cast(
            round(
                case
                    when s.costed_revenue > 0 then s.costed_revenue - s.cost
                    when s.invoiced > 0 then s.invoiced * {{ value_parameter('margin_assumed') }}
                    when s.won_amount > 0 then s.won_amount * {{ value_parameter('margin_assumed') }}
                end,
                2
            ) as decimal(38, 6)
        ) as gross_profit
    from summed as s
)

select
    v.account_id,
    v.review_date,
    v.review_date = {{ night }} as is_tonight,
    v.review_date = cast({{ dbt.last_day('v.review_date', 'month') }} as date) as is_month_end,
    v.customer_since,
    v.customer_days,
    {% for measure in sums %}
        v.{{ measure }},
    {% endfor %}
    cast(n.recent_amount as decimal(38, 6)) as recent_amount,
    c.cycle_days,
    v.profit_basis,
    v.gross_profit,
    cast(
        round(
            {{ yearly_gross_profit('v.gross_profit', 'coalesce(v.customer_days, 0)') }} * {{ lifetime_years() }}, 2
        ) as decimal(38, 6)
    ) as ltv
from valued as v
inner join recent as n on n.account_id = v.account_id and n.review_date = v.review_date
left join cycles as c on c.account_id = v.account_id and c.review_date = v.review_date
