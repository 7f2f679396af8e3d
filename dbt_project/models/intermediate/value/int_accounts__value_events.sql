{# everything that changes what an account is worth, with its day, so that any past day can be told as it was.
   One row per account, day and measure #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set breached_on = dbt.dateadd('day', 'cast(' ~ value_parameter('breach_days') ~ ' as integer)', 'due_on') %}
{% set days_late = days_between('due_on', 'paid_on') %}
{# measure, where it is read, its day, what it adds, which rows #}
{% set events = [
    ('won_deal', 'purchases', 'bought_on', '1', 'true'),
    ('won_amount', 'purchases', 'bought_on', 'amount_cny', 'true'),
    ('product', 'products', 'happened_on', '1', 'true'),
    ('open_amount', 'open_deals', 'opened_on', 'amount_cny', 'true'),
    ('open_amount', 'open_deals', 'greatest(closed_on, opened_on)', '-amount_cny', "deal_state <> 'open'"),
    ('invoiced', 'invoices', 'issued_on', 'amount_cny', 'true'),
    ('costed_revenue', 'invoices', 'issued_on', 'amount_cny', 'cost_cny is not null'),
    ('cost', 'invoices', 'issued_on', 'cost_cny', 'amount_cny is not null'),
    ('due', 'invoices', 'due_on', '1', 'due_on is not null'),
    ('settled', 'invoices', 'greatest(due_on, paid_on)', '1', 'due_on is not null and paid_on is not null'),
    ('paid_in_time', 'invoices', 'due_on', '1', 'paid_on <= due_on'),
    ('paid', 'invoices', 'paid_on', '1', 'due_on is not null and paid_on is not null'),
    ('days_late', 'invoices', 'paid_on', 'greatest(' ~ days_late ~ ', 0)', 'due_on is not null and paid_on is not null'),
    ('breach', 'invoices', 'cast(' ~ breached_on ~ ' as date)', '1',
        'due_on is not null and (paid_on is null or ' ~ days_late ~ ' > ' ~ value_parameter('breach_days') ~ ')'),
    ('ticket', 'tickets', 'happened_on', '1', 'true'),
    ('support_hours', 'tickets', 'happened_on', 'effort_hours', 'true'),
    ('referral', 'referrals', 'happened_on', '1', 'account_id is not null'),
    ('referral_won', 'referrals_won', 'happened_on', '1', 'true'),
    ('answer', 'answers', 'happened_on', '1', 'true'),
    ('satisfaction', 'answers', 'happened_on', 'satisfaction', 'true'),
    ('nps_answer', 'answers', 'happened_on', '1', 'promoter_from is not null'),
    ('promoter', 'answers', 'happened_on', '1', 'score >= promoter_from'),
    ('detractor', 'answers', 'happened_on', '1', 'score <= detractor_to'),
    ('usage', 'usage', 'happened_on', 'usage_count', 'true')
] %}
with companies as (
    select
        source_id,
        account_id
    from {{ source('identity', 'companies') }}
    where source_system = 'crm'
),

invoices as (
    select
        c.account_id,
        {{ local_date('i.issued_at') }} as issued_on,
        {{ local_date('i.due_at') }} as due_on,
        {{ local_date('i.paid_at') }} as paid_on,
        {{ in_cny('i.amount') }} as amount_cny,
        {{ in_cny('i.cost_amount') }} as cost_cny
    from {{ ref('stg_crm__invoices') }} as i
    inner join companies as c on c.source_id = i.company_id
    left join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(i.currency)), 'CNY')
    where not coalesce(i.is_deleted, false)
),

open_deals as (
    select
        d.account_id,
        d.deal_state,
        {{ local_date('d.created_at') }} as opened_on,
        {{ local_date('d.closed_at') }} as closed_on,
        {{ in_cny('d.amount') }} as amount_cny
    from {{ ref('int_crm__deals_classified') }} as d
    inner join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(d.currency)), 'CNY')
    where
        d.account_id is not null
        and d.amount > 0
        and d.created_at is not null
        -- what has ended on a day nobody knows was never known to be open
        and (d.deal_state = 'open' or d.closed_at is not null)
),

answers as (
    select
        c.account_id,
        {{ local_date('v.responded_at') }} as happened_on,
        s.survey_type,
        s.promoter_from,
        s.detractor_to,
        v.score,
        (v.score - s.lowest) / (s.highest - s.lowest) as satisfaction
    from {{ ref('stg_crm__surveys') }} as v
    inner join companies as c on c.source_id = v.company_id
    inner join {{ ref('survey_scales') }} as s on s.survey_type = lower(trim(v.survey_type))
    where v.score between s.lowest and s.highest
),

referrals as (
    select
        coalesce(c.account_id, p.account_id) as account_id,
        {{ local_date('r.referred_at') }} as happened_on,
        coalesce(b.account_id, l.account_id) as referred_account_id
    from {{ ref('stg_crm__referrals') }} as r
    left join companies as c on c.source_id = r.referrer_company_id
    left join companies as b on b.source_id = r.referred_company_id
    left join {{ source('identity', 'people') }} as p
        on p.source_system = 'crm' and p.source_object = 'contacts' and p.source_id = r.referrer_contact_id
    left join {{ source('identity', 'people') }} as l
        on l.source_system = 'crm' and l.source_object = 'leads' and l.source_id = r.referred_lead_id
),

firsts as (
    select
        account_id,
        min(bought_on) as bought_on
    from {{ ref('int_accounts__purchases') }}
    group by account_id
),

products as (
    select
        account_id,
        product,
        min(bought_on) as happened_on
    from {{ ref('int_accounts__purchases') }}
    where product is not null
    group by account_id, product
),

-- who was won by several referrals was won once for each account that referred
referrals_won as (
    select
        r.account_id,
        r.referred_account_id,
        max(f.bought_on) as happened_on
    from referrals as r
    inner join firsts as f on f.account_id = r.referred_account_id
    where r.account_id <> r.referred_account_id and (r.happened_on is null or f.bought_on >= r.happened_on)
    group by r.account_id, r.referred_account_id
),

purchases as (
    select * from {{ ref('int_accounts__purchases') }}
),

tickets as (
    select
        c.account_id,
        {{ local_date('t.opened_at') }} as happened_on,
        t.effort_hours
    from {{ ref('stg_crm__tickets') }} as t
    inner join companies as c on c.source_id = t.company_id
    where not coalesce(t.is_deleted, false)
),

usage as (
    select
        c.account_id,
        u.usage_date as happened_on,
        coalesce(u.usage_count, 1) as usage_count
    from {{ ref('stg_crm__product_usage') }} as u
    inner join companies as c on c.source_id = u.company_id
),

events as (
    {% for measure, relation, day, amount, condition in events %}
        select
            account_id,
            {{ day }} as happened_on,
            '{{ measure }}' as measure,
            cast({{ amount }} as decimal(38, 6)) as amount
        from {{ relation }}
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    account_id,
    happened_on,
    measure,
    cast(sum(amount) as decimal(38, 6)) as amount,
    count(*) as event_count
from events
where amount is not null and (happened_on is null or happened_on <= {{ night }})
group by account_id, happened_on, measure
