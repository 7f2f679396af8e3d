{# what each industry brought: who buys, for how much, how fast, and whether it grows #}
{% set z = 1.959964 %}
{% set min_cell = persona_threshold('min_cell_customers') %}
{% set today = "cast('" ~ var('as_of_date') ~ "' as date)" %}
with facts as (
    select
        account_id,
        max(case when attribute = 'industry' then substring(value, 1, 1) end) as section,
        max(case when attribute = 'employee_growth_2y' then value_number end) as growth
    from {{ ref('int_personas__facts') }}
    group by account_id
),

market as (
    select
        a.account_id,
        a.is_customer,
        coalesce(f.section, 'unknown') as industry_section,
        f.growth
    from {{ ref('int_personas__accounts') }} as a
    left join facts as f on f.account_id = a.account_id
),

levels as (
    select
        account_id,
        is_customer,
        growth,
        industry_section
    from market
    union all
    select
        account_id,
        is_customer,
        growth,
        'all' as industry_section
    from market
),

accounts_counted as (
    select
        industry_section,
        count(*) as account_count,
        sum(case when is_customer then 1 else 0 end) as customer_count,
        count(growth) as growth_n,
        {{ median_of('growth') }} as employee_growth
    from levels
    group by industry_section
),

deals as (
    select
        l.industry_section,
        d.deal_state,
        d.amount_cny,
        d.cycle_days,
        case
            when d.deal_state = 'won' and d.closed_at is not null
                then {{ days_between('cast(d.closed_at as date)', today) }}
        end as days_ago
    from levels as l
    inner join {{ ref('int_personas__deals') }} as d on d.account_id = l.account_id
),

-- growth against a year before the CRM's first deal would be growth of the CRM
history as (
    select max(days_ago) as days
    from deals
),

deals_counted as (
    select
        industry_section,
        sum(case when deal_state in ('won', 'lost') then 1 else 0 end) as decided_n,
        sum(case when deal_state = 'won' then 1 else 0 end) as won_n,
        count(case when deal_state = 'won' then amount_cny end) as amount_n,
        {{ median_of("case when deal_state = 'won' then amount_cny end") }} as amount_cny,
        count(case when deal_state = 'won' then cycle_days end) as cycle_n,
        {{ median_of("case when deal_state = 'won' then cycle_days end") }} as cycle_days,
        sum(case when days_ago between 0 and 364 then amount_cny end) as won_12m_cny,
        sum(case when days_ago between 365 and 729 then amount_cny end) as won_before_cny,
        count(case when days_ago between 0 and 364 then amount_cny end) as won_12m_n,
        count(case when days_ago between 365 and 729 then amount_cny end) as won_before_n
    from deals
    group by industry_section
)

select
    a.industry_section,
    i.name_zh as industry_name_zh,
    i.name_en as industry_name_en,
    a.account_count,
    cast(a.customer_count as bigint) as customer_count,
    cast(coalesce(d.decided_n, 0) as bigint) as decided_n,
    cast(coalesce(d.won_n, 0) as bigint) as won_n,
    case when d.decided_n >= {{ min_cell }} then round(cast(d.won_n as double) / d.decided_n, 6) end as win_rate,
    case when d.decided_n >= {{ min_cell }} then round({{ wilson_bound('d.won_n', 'd.decided_n', z, 'lower') }}, 6) end
        as win_rate_low,
    case when d.decided_n >= {{ min_cell }} then round({{ wilson_bound('d.won_n', 'd.decided_n', z, 'upper') }}, 6) end
        as win_rate_high,
    coalesce(d.amount_n, 0) as amount_n,
    cast(case when d.amount_n >= {{ min_cell }} then d.amount_cny end as decimal(38, 6)) as contract_value_cny,
    coalesce(d.cycle_n, 0) as cycle_n,
    cast(case when d.cycle_n >= {{ min_cell }} then d.cycle_days end as double) as cycle_days,
    coalesce(d.won_12m_n, 0) as won_12m_n,
    coalesce(d.won_before_n, 0) as won_before_n,
    cast(
        case
            when
                d.won_12m_n >= {{ min_cell }} and d.won_before_n >= {{ min_cell }} and d.won_before_cny > 0
                and h.days >= 729
                then round(cast(d.won_12m_cny as double) / d.won_before_cny - 1, 6)
        end as double
    ) as revenue_growth,
    a.growth_n as employee_growth_n,
    cast(case when a.growth_n >= {{ min_cell }} then round(a.employee_growth, 4) end as double) as employee_growth_2y,
    nullif(
        concat_ws(
            '; ',
            case when coalesce(d.decided_n, 0) < {{ min_cell }} then 'win rate: too few decided deals' end,
            case
                when coalesce(d.amount_n, 0) < {{ min_cell }} then 'contract value: too few won deals with an amount'
            end,
            case when coalesce(d.cycle_n, 0) < {{ min_cell }} then 'cycle: too few won deals with both days' end,
            case
                when coalesce(d.won_12m_n, 0) < {{ min_cell }} or coalesce(d.won_before_n, 0) < {{ min_cell }}
                    then 'growth of revenue: too few won deals in one of the two years'
                when coalesce(h.days, 0) < 729 then 'growth of revenue: deals are known of less than two years'
            end,
            case when a.growth_n < {{ min_cell }} then 'growth of headcount: known of too few accounts' end
        ),
        ''
    ) as reason
from accounts_counted as a
cross join history as h
left join deals_counted as d on d.industry_section = a.industry_section
left join {{ ref('industries') }} as i on i.code = a.industry_section
