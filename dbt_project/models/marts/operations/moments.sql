{# milestones that accounts have reached, with their day #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with running as (
    select
        account_id,
        measure,
        happened_on,
        sum(amount) over (partition by account_id, measure order by happened_on) as reached
    from {{ ref('int_accounts__value_events') }}
    where happened_on is not null
    union all
    select
        account_id,
        'usage_days' as measure,
        happened_on,
        row_number() over (partition by account_id order by happened_on) as reached
    from {{ ref('int_accounts__value_events') }}
    where measure = 'usage' and happened_on is not null
),

reached as (
    select
        r.account_id,
        m.milestone,
        min(r.happened_on) as reached_on
    from running as r
    inner join {{ ref('milestones') }} as m on m.measure = r.measure and m.threshold <= r.reached
    group by r.account_id, m.milestone
    union all
    select
        v.account_id,
        m.milestone,
        cast({{ dbt.dateadd('day', 'cast(m.threshold as integer)', 'v.customer_since') }} as date) as reached_on
    from {{ ref('int_accounts__value') }} as v
    inner join {{ ref('milestones') }} as m
        on m.measure = 'customer_days' and {{ days_between('v.customer_since', night) }} >= m.threshold
)

select
    {{ dbt.hash("concat(r.account_id, '|', r.milestone)") }} as moment_id,
    r.account_id,
    r.milestone,
    m.name_zh,
    m.name_en,
    r.reached_on,
    {{ days_between('r.reached_on', night) }} as days_ago
from reached as r
inner join {{ ref('milestones') }} as m on m.milestone = r.milestone
