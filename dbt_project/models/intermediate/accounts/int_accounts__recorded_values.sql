{# whatever any source says of an account, one row a saying, not yet read: the attribute by the house's name, the text
   or number as recorded, who says so and when #}
{% set texts = ['industry', 'funding_stage', 'country'] %}
{% set numbers = ['employee_count', 'founded_year', 'annual_revenue', 'total_funding'] %}
with company_records as (
    select
        r.identity_key,
        r.account_id,
        r.source_system,
        -- only the CRM's own ids may be shown; what is derived is named after an openid or a domain
        case when r.source_system = 'crm' then r.source_id end as source_id,
        r.uscc,
        coalesce(c.name, r.company_name) as company_name,
        c.industry,
        c.funding_stage,
        c.country,
        c.lifecycle_stage,
        c.employee_count,
        c.founded_year,
        c.annual_revenue,
        c.total_funding,
        c.currency,
        c.province,
        c.city,
        c.address,
        c.properties,
        case when c.merged_into_id is null then 'crm' else 'crm_merged' end as source_type,
        cast(coalesce(c.updated_at, c.created_at) as date) as as_of
    from {{ source('identity', 'companies') }} as r
    left join {{ ref('stg_crm__companies') }} as c
        on c.company_id = case when r.source_system = 'crm' then r.source_id end
),

named as (
    select
        r.account_id,
        r.source_system,
        r.source_id,
        r.company_name,
        r.source_type,
        r.as_of,
        n.place,
        n.brand,
        n.trade,
        n.legal_form,
        n.key as name_key,
        {{ matches('r.company_name', "'[一-龥]'") }} as is_chinese
    from company_records as r
    inner join {{ source('identity', 'company_names') }} as n on n.raw = r.company_name
    where n.brand is not null
),

-- a fact that names its company by name alone counts where one account bears the name
accounts_by_name as (
    select
        name_key,
        min(account_id) as account_id
    from named
    where name_key is not null
    group by name_key
    having count(distinct account_id) = 1
),

accounts_by_code as (
    select
        uscc,
        min(account_id) as account_id
    from company_records
    where uscc is not null
    group by uscc
    having count(distinct account_id) = 1
),

enrichment as (
    select
        coalesce(r.account_id, u.account_id, b.account_id) as account_id,
        {{ attribute_name('e.attribute') }} as source_name,
        e.value as raw_value,
        e.source,
        e.as_of
    from {{ ref('stg_crm__company_enrichment') }} as e
    left join company_records as r on r.source_system = 'crm' and r.source_id = e.company_id
    left join accounts_by_code as u on u.uscc = upper(trim(e.uscc))
    left join {{ source('identity', 'company_names') }} as n on n.raw = e.company_name
    left join accounts_by_name as b on b.name_key = n.key
),

property_entries as (
    {{ entries_of_json('company_records', 'properties', ['account_id', 'source_id', 'source_type', 'as_of']) }}
),

answers as (
    select
        r.account_id,
        q.attribute,
        a.answer_code as raw_value,
        i.interview_id as source_record,
        cast(i.interviewed_at as date) as as_of,
        coalesce(a.is_inferred, false) as is_inferred,
        cast(a.confidence as double) as own_confidence
    from {{ ref('stg_crm__interview_answers') }} as a
    inner join {{ ref('stg_crm__interviews') }} as i on i.interview_id = a.interview_id
    inner join company_records as r on r.source_system = 'crm' and r.source_id = i.company_id
    inner join {{ ref('interview_questions') }} as q on q.question_code = lower(trim(a.question_code))
    left join {{ ref('attribute_rules') }} as s on s.attribute = q.attribute
    where
        a.answer_code is not null
        and lower(trim(a.answer_code)) <> 'other'
        -- what is nobody's business is kept only with the respondent's consent
        and (coalesce(i.has_consent, false) or not coalesce(s.is_sensitive, false))
),

said as (
    {% for column in texts %}
        select
            account_id,
            '{{ column }}' as attribute,
            source_type,
            source_type as source,
            source_id as source_record,
            as_of,
            {{ column }} as raw_value,
            cast(null as decimal(38, 6)) as raw_number,
            cast(null as {{ dbt.type_string() }}) as currency,
            cast(null as double) as own_confidence,
            false as is_inferred
        from company_records
        where {{ column }} is not null
        union all
    {% endfor %}
    {% for column in numbers %}
        select
            account_id,
            '{{ column }}' as attribute,
            source_type,
            source_type as source,
            source_id as source_record,
            as_of,
            cast({{ column }} as {{ dbt.type_string() }}) as raw_value,
            cast({{ column }} as decimal(38, 6)) as raw_number,
            {{ 'upper(trim(currency))' if column in ('annual_revenue', 'total_funding') else 'null' }} as currency,
            cast(null as double) as own_confidence,
            false as is_inferred
        from company_records
        where {{ column }} is not null
        union all
    {% endfor %}
    select
        account_id,
        'lifecycle' as attribute,
        source_type,
        source_type as source,
        source_id as source_record,
        as_of,
        lifecycle_stage as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        false as is_inferred
    from company_records
    where lifecycle_stage is not null
    union all
    -- where the company is: the columns for it, and the address together with them
    select
        account_id,
        'location' as attribute,
        source_type,
        source_type as source,
        source_id as source_record,
        as_of,
        concat_ws(' ', province, city) as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        false as is_inferred
    from company_records
    where coalesce(province, city) is not null
    union all
    select
        account_id,
        'location' as attribute,
        'crm_address' as source_type,
        'crm_address' as source,
        source_id as source_record,
        as_of,
        concat_ws(' ', province, city, address) as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        false as is_inferred
    from company_records
    where address is not null
    union all
    -- the third to eighth sign of a credit code is the division in which the company was registered
    select
        account_id,
        'location' as attribute,
        'credit_code' as source_type,
        'credit_code' as source,
        source_id as source_record,
        as_of,
        substring(uscc, 3, 6) as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        true as is_inferred
    from company_records
    where uscc is not null
    union all
    -- what the name says
    select
        account_id,
        'location' as attribute,
        'name' as source_type,
        'name' as source,
        source_id as source_record,
        as_of,
        place as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        true as is_inferred
    from named
    where place is not null
    union all
    select
        account_id,
        'industry' as attribute,
        'name' as source_type,
        'name' as source,
        source_id as source_record,
        as_of,
        trade as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        true as is_inferred
    from named
    where trade is not null
    union all
    select
        account_id,
        'legal_name' as attribute,
        'name' as source_type,
        'name' as source,
        source_id as source_record,
        as_of,
        company_name as raw_value,
        null as raw_number,
        null as currency,
        -- what is registered in China is registered in Chinese; the English name is a translation
        case when not is_chinese then {{ account_threshold('translation_factor') }} end as own_confidence,
        not is_chinese as is_inferred
    from named
    where legal_form is not null
    union all
    select
        account_id,
        'short_name' as attribute,
        case when legal_form is not null then 'name' when source_system = 'crm' then 'crm' else 'other' end
            as source_type,
        case when legal_form is not null then 'name' when source_system = 'crm' then 'crm' else 'other' end
            as source,
        source_id as source_record,
        as_of,
        case
            when legal_form is null then company_name
            when is_chinese then concat(brand, coalesce(trade, ''))
            else concat_ws(' ', brand, trade)
        end as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        legal_form is not null as is_inferred
    from named
    union all
    -- what others say
    select
        e.account_id,
        coalesce(a.attribute, e.source_name) as attribute,
        coalesce(s.source_type, 'other') as source_type,
        coalesce(lower(trim(e.source)), 'not named') as source,
        null as source_record,
        e.as_of,
        e.raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        false as is_inferred
    from enrichment as e
    left join {{ ref('attribute_names') }} as a on a.source_name = e.source_name
    left join {{ ref('source_names') }} as s on s.source_name = lower(trim(e.source))
    where e.account_id is not null
    union all
    -- columns of the CRM that no landing column stands for
    select
        p.account_id,
        a.attribute,
        p.source_type,
        p.source_type as source,
        p.source_id as source_record,
        p.as_of,
        p.entry_value as raw_value,
        null as raw_number,
        null as currency,
        null as own_confidence,
        false as is_inferred
    from property_entries as p
    inner join {{ ref('attribute_names') }} as a on a.source_name = {{ attribute_name('p.entry_name') }}
    union all
    select
        account_id,
        attribute,
        'interview' as source_type,
        'interview' as source,
        source_record,
        as_of,
        raw_value,
        null as raw_number,
        null as currency,
        own_confidence,
        is_inferred
    from answers
)

select distinct * from said
where trim(raw_value) <> ''
