{# by what people may name an account in a seed: the CRM's id, a name, a domain; only what names exactly one #}
with names as (
    select
        i.account_id,
        'company_id' as named_by,
        i.source_id as name
    from {{ source('identity', 'companies') }} as i
    where i.source_system = 'crm'
    union
    select
        i.account_id,
        'company_name' as named_by,
        lower(trim(coalesce(c.name, i.company_name))) as name
    from {{ source('identity', 'companies') }} as i
    left join {{ ref('stg_crm__companies') }} as c
        on c.company_id = case when i.source_system = 'crm' then i.source_id end
    union
    select
        account_id,
        'domain' as named_by,
        lower(trim(domain)) as name
    from {{ source('identity', 'companies') }}
)

select
    named_by,
    name,
    min(account_id) as account_id
from names
where name is not null and name <> ''
group by named_by, name
having count(distinct account_id) = 1
