{# what says how much accounts, and the people of them, are aware of. Every piece tells of the person, where one is
   known, and of the account #}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
with told as (
    -- one page of an offer is a slip here too
    select
        account_id,
        contact_id,
        occurred_at,
        case when evidence = 'page:glance' then 'page:glance' else coalesce(awareness, 'page:glance') end as evidence
    from {{ ref('int_journey__pages_read') }}
    union all
    select
        account_id,
        contact_id,
        occurred_at,
        case
            when touchpoint_type = 'crm_activity' then concat('activity:', channel) else touchpoint_type
        end as evidence
    from {{ ref('touchpoints') }}
    union all
    select
        account_id,
        cast(null as {{ dbt.type_string() }}) as contact_id,
        occurred_at,
        evidence
    from {{ ref('int_journey__evidence') }}
    where evidence in ('usage', 'invoice') and not is_impossible
),

ruled as (
    select
        t.account_id,
        t.contact_id,
        t.occurred_at,
        t.evidence,
        o.awareness_state,
        o.state_order
    from told as t
    inner join {{ ref('awareness_rules') }} as r on r.evidence = t.evidence
    inner join {{ ref('awareness_state_order') }} as o on o.awareness_state = r.awareness_state
    where t.occurred_at < {{ night_end }}
)

select
    'account' as subject_type,
    account_id as subject_id,
    account_id,
    occurred_at,
    evidence,
    awareness_state,
    state_order
from ruled
where account_id is not null
union all
select
    'contact' as subject_type,
    contact_id as subject_id,
    account_id,
    occurred_at,
    evidence,
    awareness_state,
    state_order
from ruled
where contact_id is not null
