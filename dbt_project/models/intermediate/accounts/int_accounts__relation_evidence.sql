{# what speaks for an account being customer, prospect, partner or competitor; the seed relation_rules says which of it
   decides #}
with crm_records as (
    select
        r.account_id,
        c.company_id,
        c.name
    from {{ source('identity', 'companies') }} as r
    inner join {{ ref('stg_crm__companies') }} as c on r.source_system = 'crm' and c.company_id = r.source_id
),

names as (
    select
        c.account_id,
        n.key as name_key,
        n.brand
    from crm_records as c
    inner join {{ source('identity', 'company_names') }} as n on n.raw = c.name
    where n.key is not null
),

-- a competitor is called by its brand alone or by its whole name
competitors as (
    select distinct
        n.key as name_key,
        case when coalesce(n.trade, n.place, n.branch) is null then lower(n.brand) end as brand
    from {{ ref('stg_crm__deals') }} as d
    inner join {{ source('identity', 'company_names') }} as n on n.raw = d.competitor
    where n.key is not null and not coalesce(d.is_deleted, false)
),

brands as (
    select
        lower(brand) as brand,
        min(account_id) as account_id
    from names
    group by lower(brand)
    having count(distinct account_id) = 1
),

evidence as (
    select
        account_id,
        concat('type:', value) as evidence
    from {{ ref('int_accounts__attribute_values') }}
    where attribute = 'company_type' and is_winner
    union
    select
        account_id,
        concat('lifecycle:', value) as evidence
    from {{ ref('int_accounts__attribute_values') }}
    where attribute = 'lifecycle' and is_winner
    union
    select
        account_id,
        concat('deal:', deal_state) as evidence
    from {{ ref('int_crm__deals_classified') }}
    where account_id is not null
    union
    select
        n.account_id,
        'deal:competitor_name' as evidence
    from names as n
    inner join competitors as c on c.name_key = n.name_key
    union
    select
        b.account_id,
        'deal:competitor_name' as evidence
    from brands as b
    inner join competitors as c on c.brand = b.brand
    union
    select
        c.account_id,
        'referral:referrer' as evidence
    from {{ ref('stg_crm__referrals') }} as f
    inner join crm_records as c on c.company_id = f.referrer_company_id
    union
    select
        account_id,
        'lead' as evidence
    from {{ source('identity', 'people') }}
    where account_id is not null and source_object = 'leads'
)

select
    e.account_id,
    e.evidence,
    r.company_relation,
    r.priority,
    r.confidence,
    row_number() over (partition by e.account_id order by r.priority asc) = 1 as is_deciding
from evidence as e
inner join {{ ref('relation_rules') }} as r on r.evidence = e.evidence
