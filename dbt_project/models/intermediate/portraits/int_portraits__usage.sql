{# how deeply each user of the product uses it in the last weeks before the night, and which post they hold #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
{% set days = portrait_parameter('usage_days') %}
with known as (
    select
        e.user_id,
        v.contact_id
    from {{ ref('stg_website__events') }} as e
    inner join {{ source('identity', 'visitors') }} as v on v.anonymous_id = e.anonymous_id
    where e.user_id is not null and v.contact_id is not null
    union
    -- some products log in by the address, or by the number of the CRM
    select
        lower(email) as user_id,
        contact_id
    from {{ source('identity', 'people') }}
    where email is not null
    union
    select
        lower(source_id) as user_id,
        contact_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm' and source_object = 'contacts'
),

logins as (
    select
        lower(user_id) as user_id,
        min(contact_id) as contact_id
    from known
    group by lower(user_id)
    -- a login that several people share belongs to none of them
    having count(distinct contact_id) = 1
),

used as (
    select
        u.user_id,
        c.account_id,
        u.feature,
        u.usage_date,
        u.usage_count
    from {{ ref('stg_crm__product_usage') }} as u
    inner join {{ source('identity', 'companies') }} as c
        on c.source_system = 'crm' and c.source_object = 'companies' and c.source_id = u.company_id
    where
        u.user_id is not null
        and u.usage_date <= {{ night }}
        and {{ days_between('u.usage_date', night) }} < {{ days }}
),

features as (
    select
        user_id,
        account_id,
        feature,
        row_number() over (partition by user_id, account_id order by sum(usage_count) desc, feature asc) as place
    from used
    where feature is not null
    group by user_id, account_id, feature
),

summed as (
    select
        user_id,
        account_id,
        count(distinct feature) as feature_count,
        sum(usage_count) as usage_count
    from used
    group by user_id, account_id
)

select
    {{ dbt.hash("concat_ws('|', s.account_id, s.user_id)") }} as product_user_id,
    s.account_id,
    p.contact_id,
    p.job_function,
    f.feature as main_feature,
    cast(s.feature_count as double) as feature_count,
    cast(s.usage_count as double) * 7 / {{ days }} as uses_per_week
from summed as s
left join features as f on f.user_id = s.user_id and f.account_id = s.account_id and f.place = 1
left join logins as l on l.user_id = lower(trim(s.user_id))
left join {{ ref('contacts') }} as p on p.contact_id = l.contact_id
