{# days from the first touch to the decision of accounts with a deal, by the roles that are known there; who has not
   decided is censored at the night #}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
with decided as (
    select
        account_id,
        min(case when deal_state in ('won', 'lost') then closed_at end) as decided_at
    from {{ ref('int_portraits__deals') }}
    where account_id is not null
    group by account_id
),

accounts as (
    select
        d.account_id,
        d.decided_at is not null as is_decided,
        cast({{ days_between('a.first_touch_at', 'coalesce(d.decided_at, ' ~ night_end ~ ')') }} as double) as days
    from decided as d
    inner join {{ ref('accounts') }} as a on a.account_id = d.account_id
    inner join {{ ref('int_personas__accounts') }} as m on m.account_id = d.account_id
    -- a decision before the first touch that we know was prepared where we did not see it
    where a.first_touch_at <= coalesce(d.decided_at, {{ night_end }})
),

roles as (
    select distinct
        account_id,
        decision_role
    from {{ ref('contacts') }}
    where decision_role is not null
)

select
    a.account_id,
    r.decision_role,
    a.is_decided,
    a.days
from accounts as a
left join roles as r on r.account_id = a.account_id
