{# attributes that follow from others, each by a seed and each saying by what; what is recorded stands above them.
   One row per account and attribute #}
with winners as (
    select * from {{ ref('int_accounts__attribute_values') }}
    where is_winner
),

names as (
    select distinct
        r.account_id,
        lower(coalesce(n.trade, '')) as trade
    from {{ source('identity', 'companies') }} as r
    left join {{ ref('stg_crm__companies') }} as c
        on c.company_id = case when r.source_system = 'crm' then r.source_id end
    inner join {{ source('identity', 'company_names') }} as n on n.raw = coalesce(c.name, r.company_name)
),

described as (
    select
        coalesce(i.account_id, n.account_id) as account_id,
        i.value as industry_code,
        coalesce(i.agreement, 0.5) as industry_agreement,
        n.trade
    from (
        select * from winners
        where attribute = 'industry'
    ) as i
    full outer join names as n on n.account_id = i.account_id
),

{% for attribute, seed, column in [
    ('industry_chain_position', 'chain_positions', 'chain_position'), ('org_type', 'org_type_rules', 'org_type')
] %}
    {{ attribute }}_found as (
        select
            d.account_id,
            r.{{ column }} as value,
            {{ rounded('d.industry_agreement * ' ~ account_threshold('rule_factor'), 4) }} as confidence,
            concat_ws(' ', r.industry_code, r.trade_term, r.reason) as evidence,
            row_number() over (
                partition by d.account_id
                order by
                    r.priority asc,
                    length(coalesce(r.trade_term, '')) desc,
                    length(coalesce(r.industry_code, '')) desc,
                    r.trade_term asc,
                    r.{{ column }} asc
            ) as place
        from described as d
        inner join {{ ref(seed) }} as r
            on
                (
                    r.industry_code is null
                    or r.industry_code = d.industry_code
                    or r.industry_code = substring(d.industry_code, 1, 1)
                )
                and (r.trade_term is null or d.trade like concat('%', r.trade_term, '%'))
    ),

{% endfor %}
growth as (
    select
        g.account_id,
        g.growth,
        b.employee_trend,
        g.confidence,
        g.as_of,
        concat(
            cast(g.earlier_employee_count as {{ dbt.type_string() }}),
            ' at ',
            cast(g.earlier_as_of as {{ dbt.type_string() }}),
            ', ', cast(g.employee_count as {{ dbt.type_string() }}), ' at ', cast(g.as_of as {{ dbt.type_string() }})
        ) as evidence
    from {{ ref('int_accounts__employee_growth') }} as g
    inner join {{ ref('growth_bands') }} as b
        on (b.lower_bound is null or b.lower_bound <= g.growth) and (b.upper_bound is null or b.upper_bound > g.growth)
),

facts as (
    select
        account_id,
        max(case when attribute = 'founded_year' then number_value end) as founded_year,
        max(case when attribute = 'funding_stage' then value end) as funding_stage,
        max(case when attribute = 'employee_trend' then value end) as recorded_trend,
        max(case when attribute = 'software_tools' then value end) as software_tools,
        max(case when kind = 'tool' then 1 else 0 end) as knows_tools,
        sum(case when kind = 'tool' and value <> 'none' then 1 else 0 end) as tool_count,
        max(case when attribute = 'org_type' then value end) as org_type
    from winners
    group by account_id
),

aged as (
    select
        coalesce(f.account_id, g.account_id) as account_id,
        extract(year from cast('{{ var("as_of_date") }}' as date)) - f.founded_year as age,
        s.stage_group as funding_group,
        -- two dated numbers say more than a word
        coalesce(g.employee_trend, f.recorded_trend) as employee_trend
    from facts as f
    full outer join growth as g on g.account_id = f.account_id
    left join {{ ref('funding_stages') }} as s on s.funding_stage = f.funding_stage
),

stages as (
    select
        a.account_id,
        r.growth_stage,
        r.reason,
        row_number() over (partition by a.account_id order by r.priority asc) as place
    from aged as a
    inner join {{ ref('growth_stage_rules') }} as r
        on
            (r.min_age is null or r.min_age <= a.age)
            and (r.max_age is null or r.max_age >= a.age)
            and (r.funding_group is null or r.funding_group = a.funding_group)
            and (r.employee_trend is null or r.employee_trend = a.employee_trend)
),

-- a word on how many is as good as a count, and a higher one better than a count of few that are known
grades as (
    select
        f.account_id,
        max(r.grade) as grade,
        max(case when f.knows_tools = 1 then f.tool_count end) as tool_count,
        max(f.software_tools) as software_tools
    from facts as f
    inner join {{ ref('digital_maturity_rules') }} as r
        on
            r.software_tools = f.software_tools
            or (
                f.knows_tools = 1
                and r.min_tools <= f.tool_count
                and (r.max_tools is null or r.max_tools >= f.tool_count)
            )
    group by f.account_id
),

relations as (
    select * from {{ ref('int_accounts__relation_evidence') }}
    where is_deciding
),

sizes as (
    select
        d.account_id,
        d.average_amount,
        d.basis,
        d.deal_count,
        b.deal_size_band,
        b.sales_motion
    from {{ ref('int_accounts__deal_sizes') }} as d
    left join relations as r on r.account_id = d.account_id
    inner join {{ ref('deal_size_bands') }} as b
        on
            case
                when r.company_relation = 'partner' then b.deal_size_band = 'channel'
                else
                    b.lower_bound <= d.average_amount
                    and (b.upper_bound is null or b.upper_bound > d.average_amount)
            end
),

partners_without_deals as (
    select
        r.account_id,
        b.deal_size_band,
        b.sales_motion
    from relations as r
    inner join {{ ref('deal_size_bands') }} as b on b.deal_size_band = 'channel'
    left join sizes as s on s.account_id = r.account_id
    where r.company_relation = 'partner' and s.account_id is null
),

derived as (
    {% for attribute in ['industry_chain_position', 'org_type'] %}
        select
            account_id,
            '{{ attribute }}' as attribute,
            value,
            cast(null as decimal(38, 6)) as number_value,
            confidence,
            evidence
        from {{ attribute }}_found
        where place = 1
        union all
    {% endfor %}
    select
        account_id,
        'employee_growth_2y' as attribute,
        cast(growth as {{ dbt.type_string() }}) as value,
        cast(growth as decimal(38, 6)) as number_value,
        confidence,
        evidence
    from growth
    union all
    select
        account_id,
        'employee_trend' as attribute,
        employee_trend as value,
        null as number_value,
        confidence,
        evidence
    from growth
    union all
    select
        account_id,
        'growth_stage' as attribute,
        growth_stage as value,
        null as number_value,
        {{ account_threshold('rule_factor') }} as confidence,
        reason as evidence
    from stages
    where place = 1
    union all
    select
        account_id,
        'digital_maturity' as attribute,
        cast(grade as {{ dbt.type_string() }}) as value,
        cast(grade as decimal(38, 6)) as number_value,
        {{ account_threshold('rule_factor') }} as confidence,
        concat_ws(
            ', ',
            case
                when tool_count is not null then concat('tools known: ', cast(tool_count as {{ dbt.type_string() }}))
            end,
            case when software_tools is not null then concat('software: ', software_tools) end
        ) as evidence
    from grades
    union all
    select
        g.account_id,
        'technology_in_house' as attribute,
        r.technology_in_house as value,
        null as number_value,
        {{ account_threshold('rule_factor') }} as confidence,
        'by the number of its systems' as evidence
    from grades as g
    inner join {{ ref('digital_maturity_rules') }} as r on r.grade = g.grade
    union all
    select
        account_id,
        'technology_sold' as attribute,
        case when org_type = 'technology' then 'yes' else 'no' end as value,
        null as number_value,
        {{ account_threshold('rule_factor') }} as confidence,
        concat('org_type: ', org_type) as evidence
    from facts
    where org_type is not null
    union all
    select
        account_id,
        'company_relation' as attribute,
        company_relation as value,
        null as number_value,
        confidence,
        evidence
    from relations
    union all
    select
        account_id,
        'average_deal_amount' as attribute,
        cast(cast(round(average_amount) as bigint) as {{ dbt.type_string() }}) as value,
        average_amount as number_value,
        {{ account_threshold('rule_factor') }} as confidence,
        concat('mean of deals ', basis, ': ', cast(deal_count as {{ dbt.type_string() }})) as evidence
    from {{ ref('int_accounts__deal_sizes') }}
    union all
    {% for column in ['deal_size_band', 'sales_motion'] %}
        select
            account_id,
            '{{ column }}' as attribute,
            {{ column }} as value,
            null as number_value,
            {{ account_threshold('rule_factor') }} as confidence,
            concat('mean of deals ', basis, ': ', cast(deal_count as {{ dbt.type_string() }})) as evidence
        from sizes
        union all
        select
            account_id,
            '{{ column }}' as attribute,
            {{ column }} as value,
            null as number_value,
            {{ account_threshold('rule_factor') }} as confidence,
            'a partner' as evidence
        from partners_without_deals
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    account_id,
    attribute,
    value,
    number_value,
    round(confidence, 4) as confidence,
    evidence
from derived
