{# what the operating metrics count, one by one, with what it may be split by #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set text = dbt.type_string() %}
{% set lead_metrics = {'raw': 'new_leads', 'mql': 'new_mqls', 'sql': 'new_sqls'} %}
with companies as (
    select
        source_id,
        account_id
    from {{ source('identity', 'companies') }}
    where source_system = 'crm'
),

usage as (
    select
        c.account_id,
        u.usage_date as day,
        count(distinct coalesce(u.user_id, '')) as user_count,
        min(u.usage_date) over (partition by c.account_id) as first_day
    from {{ ref('stg_crm__product_usage') }} as u
    inner join companies as c on c.source_id = u.company_id
    group by c.account_id, u.usage_date
),

counted as (
    select
        'sessions' as metric,
        {{ local_date('started_at') }} as day,
        account_id,
        channel,
        cast(null as {{ text }}) as product,
        cast(null as {{ text }}) as competitor,
        cast(1 as decimal(38, 6)) as value
    from {{ ref('sessions') }}
    where not is_bot and not coalesce(is_own_traffic, false)
    union all
    select
        'new_followers' as metric,
        {{ local_date('occurred_at') }} as day,
        account_id,
        channel,
        null as product,
        null as competitor,
        1 as value
    from {{ ref('touchpoints') }}
    where touchpoint_type = 'wechat_follow'
    union all
    select
        'ad_spend' as metric,
        s.spend_date as day,
        null as account_id,
        s.channel,
        null as product,
        null as competitor,
        {{ in_cny('s.cost') }} as value
    from {{ ref('stg_crm__ad_spend') }} as s
    inner join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(s.currency)), 'CNY')
    union all
    select
        case stage
            {% for stage, metric in lead_metrics.items() %}
                when '{{ stage }}' then '{{ metric }}'
            {% endfor %}
        end as metric,
        {{ local_date('entered_at') }} as day,
        account_id,
        null as channel,
        null as product,
        null as competitor,
        1 as value
    from {{ ref('lead_stages') }}
    where stage in ('raw', 'mql', 'sql')
    union all
    select
        'active_users' as metric,
        day,
        account_id,
        null as channel,
        null as product,
        null as competitor,
        user_count as value
    from usage
    union all
    select
        'new_users' as metric,
        day,
        account_id,
        null as channel,
        null as product,
        null as competitor,
        1 as value
    from usage
    where day = first_day
    union all
    select
        case measure when 'ticket' then 'tickets' else 'referrals' end as metric,
        happened_on as day,
        account_id,
        null as channel,
        null as product,
        null as competitor,
        amount as value
    from {{ ref('int_accounts__value_events') }}
    where measure in ('ticket', 'referral')
    union all
    {% for metric, value in {'won_deals': '1', 'won_revenue': 'amount_cny'}.items() %}
        select
            '{{ metric }}' as metric,
            bought_on as day,
            account_id,
            null as channel,
            product,
            null as competitor,
            {{ value }} as value
        from {{ ref('int_accounts__purchases') }}
        union all
    {% endfor %}
    select
        'lost_to_competitor' as metric,
        {{ local_date('c.closed_at') }} as day,
        c.account_id,
        null as channel,
        lower(trim(d.product)) as product,
        lower(trim(d.competitor)) as competitor,
        1 as value
    from {{ ref('int_crm__deals_classified') }} as c
    inner join {{ ref('stg_crm__deals') }} as d on d.deal_id = c.deal_id
    where c.deal_state = 'lost' and d.competitor is not null
),

firsts as (
    select
        account_id,
        min(bought_on) as customer_since
    from {{ ref('int_accounts__purchases') }}
    group by account_id
)

select
    e.metric,
    e.day,
    e.account_id,
    e.channel,
    a.city_code as city,
    e.product,
    -- of an account that has bought before that day; of whom nothing is known nothing is said
    case
        when e.account_id is null then null
        when f.customer_since < e.day then 'existing'
        else 'new'
    end as customer_age,
    e.competitor,
    e.value
from counted as e
left join {{ ref('accounts') }} as a on a.account_id = e.account_id
left join firsts as f on f.account_id = e.account_id
where e.day <= {{ night }} and e.value is not null
