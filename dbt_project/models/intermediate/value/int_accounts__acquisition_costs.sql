{# what it cost to win each customer, by source of cost; cost_rules says what counts and over whom it is spread #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with rules as (
    select * from {{ ref('cost_rules') }}
    where is_included
),

customers as (
    select
        account_id,
        bought_on
    from {{ ref('int_accounts__purchases') }}
    where purchase_number = 1 and bought_on is not null
),

spend as (
    select
        s.spend_date,
        lower(trim(s.campaign)) as campaign,
        {{ in_cny('s.cost') }} as cost_cny
    from {{ ref('stg_crm__ad_spend') }} as s
    inner join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(s.currency)), 'CNY')
    where s.spend_date <= {{ night }}
),

spending_campaigns as (
    select distinct campaign
    from spend
),

spent as (
    select
        min(spend_date) as since,
        sum(cost_cny) as cost_cny
    from spend
),

won_since as (
    select
        s.cost_cny,
        c.account_id,
        count(*) over () as customer_count
    from spent as s
    inner join customers as c on c.bought_on >= s.since
),

-- the budget of a campaign that goes on, or whose money is told by the spend, is no cost of its own
campaigns as (
    select
        c.campaign_id,
        {{ local_date('c.started_at') }} as started_on,
        {{ local_date('c.ended_at') }} as ended_on,
        {{ in_cny('c.budget') }} as cost_cny
    from {{ ref('stg_crm__campaigns') }} as c
    inner join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(c.currency)), 'CNY')
    left join spending_campaigns as s
        on s.campaign = lower(trim(c.name)) or s.campaign = lower(trim(c.campaign_id))
    where
        not coalesce(c.is_deleted, false)
        and c.budget > 0
        and s.campaign is null
        and {{ local_date('c.ended_at') }} <= {{ night }}
),

invited as (
    select
        campaign_id,
        'contacts' as source_object,
        contact_id as source_id
    from {{ ref('stg_crm__campaign_members') }}
    where not coalesce(is_deleted, false)
    union all
    select
        campaign_id,
        'leads' as source_object,
        lead_id as source_id
    from {{ ref('stg_crm__campaign_members') }}
    where not coalesce(is_deleted, false)
),

members as (
    select distinct
        m.campaign_id,
        p.account_id
    from invited as m
    inner join {{ source('identity', 'people') }} as p
        on p.source_system = 'crm' and p.source_object = m.source_object and p.source_id = m.source_id
    where p.account_id is not null
),

reached as (
    select
        g.campaign_id,
        g.cost_cny,
        c.account_id,
        r.allocation = 'members' and m.account_id is not null as is_member,
        c.bought_on between g.started_on and g.ended_on as is_in_time
    from campaigns as g
    inner join rules as r on r.cost_source = 'campaign_budget'
    inner join customers as c on c.bought_on >= g.started_on
    left join members as m on m.campaign_id = g.campaign_id and m.account_id = c.account_id
),

judged as (
    select
        *,
        max(case when is_member then 1 else 0 end) over (partition by campaign_id) as has_members
    from reached
),

paying as (
    select
        campaign_id,
        cost_cny,
        account_id,
        count(*) over (partition by campaign_id) as customer_count
    from judged
    where is_member or (has_members = 0 and is_in_time)
),

presales as (
    select
        c.account_id,
        sum(s.presales_hours) as hours
    from customers as c
    inner join {{ ref('int_crm__deals_classified') }} as d on d.account_id = c.account_id
    inner join {{ ref('stg_crm__deals') }} as s on s.deal_id = d.deal_id
    where d.deal_state <> 'open' and {{ local_date('coalesce(d.closed_at, d.created_at)') }} <= c.bought_on
    group by c.account_id
),

allocated as (
    select
        w.account_id,
        'ad_spend' as cost_source,
        w.cost_cny / w.customer_count as cost_cny
    from won_since as w
    inner join rules as r on r.cost_source = 'ad_spend'
    union all
    select
        account_id,
        'campaign_budget' as cost_source,
        sum(cost_cny / customer_count) as cost_cny
    from paying
    group by account_id
    union all
    select
        p.account_id,
        'presales_hours' as cost_source,
        p.hours * r.unit_cost as cost_cny
    from presales as p
    inner join rules as r on r.cost_source = 'presales_hours'
    where p.hours is not null
)

select
    account_id,
    cost_source,
    cast(round(cost_cny, 2) as decimal(38, 6)) as cost_cny
from allocated
