{# what each account is worth tonight; a measure whose source is absent is null and value_gaps says why #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set sources = {
    'invoices': 'stg_crm__invoices', 'tickets': 'stg_crm__tickets', 'surveys': 'stg_crm__surveys',
    'referrals': 'stg_crm__referrals', 'usage': 'stg_crm__product_usage', 'spend': 'stg_crm__ad_spend'
} %}
{% set sums = {
    'won_deal': 'won_deal_count', 'won_amount': 'won_revenue_cny', 'product': 'product_count',
    'open_amount': 'open_amount_cny', 'ticket': 'ticket_count', 'support_hours': 'support_hours',
    'referral': 'referral_count', 'referral_won': 'referral_won_count', 'answer': 'answer_count',
    'satisfaction': 'satisfaction', 'nps_answer': 'nps_responses', 'promoter': 'promoters', 'detractor': 'detractors',
    'due': 'due', 'settled': 'settled', 'paid_in_time': 'paid_in_time', 'paid': 'paid', 'days_late': 'days_late',
    'usage': 'usage_count', 'invoiced': 'invoiced_cny', 'costed_revenue': 'costed_revenue'
} %}
with accounts as (
    select
        account_id,
        min(valid_from) as known_since
    from {{ source('identity', 'companies') }}
    group by account_id
),

present as (
    select
    {% for source, model in sources.items() %}
            exists(select 1 from {{ ref(model) }}) as has_{{ source }}{{ ',' if not loop.last }}
    {% endfor %}
),

totals as (
    select
        account_id,
        {% for measure, column in sums.items() %}
            coalesce(sum(case when measure = '{{ measure }}' then amount end), 0) as {{ column }},
        {% endfor %}
        {% for months in [12, 24] %}
            {% set since = dbt.dateadd('month', -months, night) %}
            sum(
                case when measure = 'costed_revenue' and happened_on > {{ since }} then amount else 0 end
            )
            - sum(case when measure = 'cost' and happened_on > {{ since }} then amount else 0 end)
                as gross_profit_{{ months }}m_cny,
        {% endfor %}
        sum(
            case
                when measure = 'invoiced' and happened_on > {{ dbt.dateadd('month', -12, night) }} then amount else 0
            end
        )
            as revenue_12m_cny,
        max(case when measure in ('won_deal', 'invoiced') then happened_on end) as last_purchase_on
    from {{ ref('int_accounts__value_events') }}
    group by account_id
),

used as (
    select
        c.account_id,
        count(distinct u.user_id) as active_user_count,
        count(distinct u.usage_date) as usage_day_count
    from {{ ref('stg_crm__product_usage') }} as u
    inner join {{ source('identity', 'companies') }} as c on c.source_system = 'crm' and c.source_id = u.company_id
    where
        u.usage_date <= {{ night }}
        and {{ days_between('u.usage_date', night) }} < {{ value_parameter('usage_days') }}
    group by c.account_id
),

bought as (
    select
        account_id,
        cast(round(avg(discount_pct), 4) as double) as average_discount_pct,
        sum(case when is_without_rate then 1 else 0 end) as without_rate_count,
        sum(
            case
                when
                    {{ dbt.dateadd('month', 'cast(' ~ value_parameter('rfm_months') ~ ' as integer)', 'bought_on') }}
                    > {{ night }} then 1
                else 0
            end
        ) as frequency,
        sum(
            case
                when
                    {{ dbt.dateadd('month', 'cast(' ~ value_parameter('rfm_months') ~ ' as integer)', 'bought_on') }}
                    > {{ night }} then amount_cny
                else 0
            end
        ) as money
    from {{ ref('int_accounts__purchases') }}
    group by account_id
),

costs as (
    select
        account_id,
        sum(cost_cny) as cac_cny,
        max(case when cost_source = 'ad_spend' then 1 else 0 end) as has_spend,
        max(case when cost_source = 'campaign_budget' then 1 else 0 end) as has_campaign,
        {{ dbt.listagg('cost_source', "', '", 'order by cost_source') }} as cac_basis
    from {{ ref('int_accounts__acquisition_costs') }}
    group by account_id
),

joined as (
    select
        a.account_id,
        a.known_since,
        v.account_id is not null as is_customer,
        v.customer_since,
        {% for column in sums.values() %}
            coalesce(t.{{ column }}, 0) as {{ column }},
        {% endfor %}
        t.gross_profit_12m_cny,
        t.gross_profit_24m_cny,
        t.revenue_12m_cny,
        t.last_purchase_on,
        v.cycle_days,
        v.profit_basis,
        v.gross_profit as gross_profit_cny,
        v.ltv as ltv_cny,
        coalesce(v.customer_days, 0) as customer_days,
        b.average_discount_pct,
        coalesce(b.without_rate_count, 0) as without_rate_count,
        -- who was seen with no money spent on it cannot be told from whom nobody counted
        case when c.has_spend + c.has_campaign > 0 then c.cac_cny end as cac_cny,
        case when c.has_spend + c.has_campaign > 0 then c.cac_basis end as cac_basis,
        coalesce(u.active_user_count, 0) as active_user_count,
        coalesce(u.usage_day_count, 0) as usage_day_count,
        case when v.customer_since is not null then {{ days_between('t.last_purchase_on', night) }} end as recency_days,
        b.frequency,
        case
            when {{ value_parameter('rfm_monetary_per_purchase') }} = 1 and b.frequency > 0 then b.money / b.frequency
            else b.money
        end as money,
        p.*
    from accounts as a
    cross join present as p
    left join totals as t on t.account_id = a.account_id
    left join {{ ref('int_accounts__value_as_of') }} as v on v.account_id = a.account_id and v.is_tonight
    left join bought as b on b.account_id = a.account_id
    left join costs as c on c.account_id = a.account_id
    left join used as u on u.account_id = a.account_id
),

ranked as (
    select
        *,
        {% for score, value, high in [
            ('r', 'recency_days', 'false'), ('f', 'frequency', 'true'), ('m', 'money', 'true')
        ] %}
        case
            when recency_days is not null
                then
                    cast(
                        least(
                            floor(
                                5 * {{ percentile_rank(value, 'recency_days is null', high == 'true') }}
                            ) + 1,
                            5
                        ) as bigint
                    )
        end as rfm_{{ score }}{{ ',' if not loop.last }}
    {% endfor %}
    from joined
)

select
    r.account_id,
    r.known_since,
    r.is_customer,
    r.customer_since,
    cast(r.won_deal_count as bigint) as won_deal_count,
    case when r.is_customer then cast(r.won_revenue_cny as decimal(38, 6)) end as won_revenue_cny,
    cast(case when r.is_customer then r.won_deal_count - 1 end as bigint) as expansion_deal_count,
    cast(nullif(r.product_count, 0) as bigint) as product_count,
    cast(r.open_amount_cny as decimal(38, 6)) as open_amount_cny,
    r.cycle_days,
    r.average_discount_pct,
    cast(case when r.has_invoices and r.is_customer then r.revenue_12m_cny end as decimal(38, 6)) as revenue_12m_cny,
    cast(case when r.costed_revenue <> 0 then r.gross_profit_12m_cny end as decimal(38, 6)) as gross_profit_12m_cny,
    cast(case when r.costed_revenue <> 0 then r.gross_profit_24m_cny end as decimal(38, 6)) as gross_profit_24m_cny,
    r.gross_profit_cny,
    r.profit_basis,
    cast(
        case when r.profit_basis = 'invoices' then round(r.gross_profit_cny / r.costed_revenue, 6) end as double
    ) as gross_margin,
    cast(case when r.has_tickets then r.ticket_count end as bigint) as ticket_count,
    cast(case when r.has_tickets then r.support_hours end as double) as support_hours,
    cast(
        case
            when r.has_tickets and r.is_customer
                then
                    round(
                        r.support_hours * 10000 / greatest(
                            case when r.invoiced_cny > 0 then r.invoiced_cny else r.won_revenue_cny end,
                            {{ value_parameter('support_revenue_min') }}
                        ),
                        6
                    )
        end as double
    ) as support_hours_per_10k,
    cast(case when r.has_referrals then r.referral_count end as bigint) as referral_count,
    cast(case when r.has_referrals then r.referral_won_count end as bigint) as referral_won_count,
    cast(
        case when r.nps_responses > 0 then round(100 * (r.promoters - r.detractors) / r.nps_responses, 2) end as double
    )
        as nps_score,
    cast(r.nps_responses as bigint) as nps_responses,
    cast(case when r.answer_count > 0 then round(r.satisfaction / r.answer_count, 6) end as double) as satisfaction,
    cast(case when r.due > 0 then round(r.paid_in_time / r.due, 6) end as double) as paid_in_time_share,
    cast(case when r.paid > 0 then round(r.days_late / r.paid, 2) end as double) as days_late,
    cast(case when r.has_invoices then r.due - r.settled end as bigint) as overdue_invoice_count,
    case when r.has_usage then r.active_user_count end as active_user_count,
    case when r.has_usage then r.usage_day_count end as usage_day_count,
    cast(case when r.has_usage then r.usage_count end as bigint) as usage_count,
    r.ltv_cny,
    cast(r.cac_cny as decimal(38, 6)) as cac_cny,
    r.cac_basis,
    cast(
        case
            when r.gross_profit_cny > 0
                then
                    round(
                        r.cac_cny * 12 / {{ yearly_gross_profit('r.gross_profit_cny', 'r.customer_days') }}, 2
                    )
        end as double
    ) as payback_months,
    cast(case when r.cac_cny > 0 then round(cast(r.ltv_cny as double) / r.cac_cny, 4) end as double) as ltv_to_cac,
    r.recency_days,
    r.rfm_r,
    r.rfm_f,
    r.rfm_m,
    s.rfm_segment,
    cast(r.without_rate_count as bigint) as without_rate_count,
    case
        when not r.is_customer then 'no purchase'
        else
            nullif(
                concat_ws(
                    '; ',
                    case when r.recency_days is null then 'recency: purchases have no day' end,
                    case when r.cycle_days is null then 'sales cycle: no deal has both days' end,
                    case
                        when not r.has_invoices then 'profit: no invoices'
                        when r.costed_revenue = 0 then 'profit: no invoice of the account tells its cost'
                    end,
                    case when not r.has_tickets then 'support: no tickets' end,
                    case when not r.has_referrals then 'referrals: none are recorded' end,
                    case
                        when not r.has_surveys then 'NPS: no surveys'
                        when r.nps_responses = 0 then 'NPS: nobody answered'
                    end,
                    case when not r.has_usage then 'use: none is recorded' end,
                    case
                        when r.cac_cny is null and not r.has_spend then 'CAC: no spend'
                        when r.cac_cny is null then 'CAC: won before spend is recorded'
                    end,
                    case when r.without_rate_count > 0 then 'revenue: deals in a currency without a rate' end
                ),
                ''
            )
    end as value_gaps
from ranked as r
left join {{ ref('rfm_segments') }} as s
    on
        r.rfm_r between s.min_r and s.max_r
        and r.rfm_f between s.min_f and s.max_f
        and r.rfm_m between s.min_m and s.max_m
