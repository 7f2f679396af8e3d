{# who brings 80 % of revenue and of profit, altogether, by province and by city, how much of the region that is, and
   which team looks after it. Pareto, Cours d'économie politique, 1896; Juran's vital few #}
with facts as (
    select
        a.account_id,
        a.province_code,
        a.city_code,
        a.site_city_count,
        v.won_revenue_cny,
        v.gross_profit_cny
    from {{ ref('accounts') }} as a
    inner join {{ ref('int_accounts__value') }} as v on v.account_id = a.account_id
    where v.is_customer
),

places as (
    select distinct
        coalesce(district_code, city_code, province_code) as code,
        province_code
    from {{ source('identity', 'locations') }}
    where province_code is not null
),

provinces as (
    select
        s.account_id,
        count(distinct l.province_code) as province_count
    from {{ ref('account_attributes') }} as s
    inner join places as l on l.code = s.value
    where s.attribute in ('location', 'site_location') and s.is_in_time
    group by s.account_id
),

-- how far its business reaches decides who sells to it
scopes as (
    select
        f.account_id,
        f.province_code,
        case
            when coalesce(p.province_count, 0) >= {{ value_parameter('national_provinces') }} then 'national'
            when coalesce(p.province_count, 0) > 1 or f.site_city_count > 1 then 'regional'
            else 'city'
        end as opening_scope
    from facts as f
    left join provinces as p on p.account_id = f.account_id
),

teams as (
    select
        s.account_id,
        s.opening_scope,
        t.team,
        t.sales_seat,
        t.operations_seat,
        t.product_seat,
        t.analyst_seat,
        row_number() over (
            partition by s.account_id order by case when t.province_code is null then 1 else 0 end asc, t.team asc
        ) as place
    from scopes as s
    inner join {{ ref('account_teams') }} as t
        on
            t.opening_scope = s.opening_scope
            and (t.province_code is null or t.province_code = s.province_code)
),

listed as (
    {% for measure, column in [('revenue', 'won_revenue_cny'), ('profit', 'gross_profit_cny')] %}
        {% for scope, region in [('all', "'all'"), ('province', 'province_code'), ('city', 'city_code')] %}
            select
                account_id,
                '{{ measure }}' as measure,
                '{{ scope }}' as region_type,
                {{ region }} as region_code,
                {{ column }} as amount_cny
            from facts
            where {{ region }} is not null and {{ column }} > 0
            {{ 'union all' if not loop.last }}
        {% endfor %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

cumulated as (
    select
        *,
        rank() over (partition by measure, region_type, region_code order by amount_cny desc) as rank_number,
        count(*) over (partition by measure, region_type, region_code) as account_count,
        sum(amount_cny) over (partition by measure, region_type, region_code) as region_amount_cny,
        -- of equal amounts none comes before the other
        sum(amount_cny) over (
            partition by measure, region_type, region_code order by amount_cny desc
            range between unbounded preceding and current row
        ) as amount_upto,
        sum(amount_cny) over (partition by measure, region_type, region_code, amount_cny) as amount_alike
    from listed
)

select
    {{ dbt.hash("concat_ws('|', c.measure, c.region_type, c.region_code, c.account_id)") }} as key_account_id,
    c.account_id,
    c.measure,
    c.region_type,
    c.region_code,
    c.rank_number,
    c.account_count,
    c.amount_cny,
    cast(round(c.amount_cny / c.region_amount_cny, 6) as double) as region_share,
    cast(round(c.amount_upto / c.region_amount_cny, 6) as double) as cumulative_share,
    cast(c.amount_upto - c.amount_alike as double) / c.region_amount_cny < {{ value_parameter('key_share') }} as is_key,
    t.opening_scope,
    t.team,
    t.sales_seat,
    t.operations_seat,
    t.product_seat,
    t.analyst_seat
from cumulated as c
inner join teams as t on t.account_id = c.account_id and t.place = 1
