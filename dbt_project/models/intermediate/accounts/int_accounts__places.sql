{# where each account sits, and in how many cities it works #}
with regions as (
    select
        coalesce(district_code, city_code, province_code) as code,
        min(province_code) as province_code,
        min(province) as province,
        min(city_code) as city_code,
        min(city) as city,
        min(district_code) as district_code,
        min(district) as district
    from {{ source('identity', 'locations') }}
    where province_code is not null
    group by coalesce(district_code, city_code, province_code)
),

seats as (
    select
        account_id,
        value as code
    from {{ ref('account_attributes') }}
    where attribute = 'location' and is_selected
),

-- where else an account works than where it sits
sites as (
    select
        a.account_id,
        count(distinct r.city_code) as city_count
    from {{ ref('account_attributes') }} as a
    inner join regions as r on r.code = a.value
    where a.attribute in ('location', 'site_location') and a.is_in_time
    group by a.account_id
),

listed as (
    select distinct account_id
    from {{ source('identity', 'companies') }}
)

select
    l.account_id,
    g.province_code,
    -- abroad there are names alone
    case when s.code is null then c.province else g.province end as province,
    g.city_code,
    case when s.code is null then c.city else g.city end as city,
    g.district_code,
    g.district,
    coalesce(v.city_count, 0) as site_city_count
from listed as l
left join {{ ref('int_accounts__newest_records') }} as c on c.account_id = l.account_id
left join seats as s on s.account_id = l.account_id
left join regions as g on g.code = s.code
left join sites as v on v.account_id = l.account_id
