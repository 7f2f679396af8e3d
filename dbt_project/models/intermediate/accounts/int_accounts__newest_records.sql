{# of the CRM's records of an account the one that speaks for it: the newest that was not merged into another #}
with records as (
    select
        r.account_id,
        c.*,
        row_number() over (
            partition by r.account_id
            order by
                case when c.merged_into_id is null then 0 else 1 end asc,
                c.updated_at desc nulls last,
                c.company_id asc
        ) as place
    from {{ source('identity', 'companies') }} as r
    inner join {{ ref('stg_crm__companies') }} as c on c.company_id = r.source_id
    where r.source_system = 'crm'
)

select
    account_id,
    company_id,
    name,
    lifecycle_stage,
    province,
    city,
    annual_revenue,
    currency
from records
where place = 1
