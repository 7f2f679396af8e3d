{# how much the number of employees grew over two years, where two dated numbers about two years apart are known. Of the
   pairs the one is taken whose later day is the newest, then whose distance is nearest to two years #}
with counts as (
    select
        account_id,
        source,
        as_of,
        number_value as employee_count,
        confidence
    from {{ ref('int_accounts__attribute_values') }}
    where attribute = 'employee_count' and as_of is not null and number_value > 0
    union
    -- told as the number of two years before
    select
        account_id,
        source,
        cast({{ dbt.dateadd('day', "-(" ~ account_threshold('growth_days') ~ ")", 'as_of') }} as date) as as_of,
        number_value as employee_count,
        confidence
    from {{ ref('int_accounts__attribute_values') }}
    where attribute = 'employee_count_2y_ago' and as_of is not null and number_value > 0
    union
    select
        r.account_id,
        'crm' as source,
        h.as_of,
        cast(h.employee_count as decimal(38, 6)) as employee_count,
        d.confidence
    from {{ ref('int_crm__company_employee_counts') }} as h
    inner join {{ source('identity', 'companies') }} as r on r.source_system = 'crm' and r.source_id = h.company_id
    cross join {{ ref('attribute_sources') }} as d
    where h.employee_count > 0 and d.attribute = 'any' and d.source_type = 'crm'
),

-- one number a day: the one that is believed the most
daily as (
    select * from (
        select
            *,
            row_number() over (
                partition by account_id, as_of order by confidence desc, employee_count desc, source asc
            ) as place
        from counts
        where as_of <= cast('{{ var("as_of_date") }}' as date)
    )
    where place = 1
),

pairs as (
    select
        later.account_id,
        later.as_of,
        later.employee_count,
        later.source,
        earlier.as_of as earlier_as_of,
        earlier.employee_count as earlier_employee_count,
        earlier.source as earlier_source,
        round(later.confidence * earlier.confidence, 4) as confidence,
        row_number() over (
            partition by later.account_id
            order by
                later.as_of desc,
                abs({{ days_between('earlier.as_of', 'later.as_of') }} - {{ account_threshold('growth_days') }}) asc,
                earlier.as_of desc
        ) as place
    from daily as later
    inner join daily as earlier
        on
            earlier.account_id = later.account_id
            and abs({{ days_between('earlier.as_of', 'later.as_of') }} - {{ account_threshold('growth_days') }})
            <= {{ account_threshold('growth_tolerance_days') }}
)

select
    account_id,
    earlier_as_of,
    as_of,
    cast(earlier_employee_count as bigint) as earlier_employee_count,
    cast(employee_count as bigint) as employee_count,
    round(cast(employee_count as double) / cast(earlier_employee_count as double) - 1, 4) as growth,
    case
        when earlier_source = source then source else concat(earlier_source, ', ', source)
    end as source,
    confidence
from pairs
where place = 1
