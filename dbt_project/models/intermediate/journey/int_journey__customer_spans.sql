{# when an account was a customer and when it had left: by deals won and lost, by what the CRM stamps on the company,
   and by silence where others are heard. One row per account and change #}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
{% set silent_use = 'cast(' ~ journey_parameter('usage_silence_days') ~ ' as integer)' %}
{% set silent_invoices = 'cast(' ~ journey_parameter('invoice_silence_days') ~ ' as integer)' %}
with companies as (
    select
        source_id,
        account_id
    from {{ source('identity', 'companies') }}
    where source_system = 'crm'
),

closed as (
    select
        d.account_id,
        d.deal_id,
        d.deal_state,
        d.deal_kind,
        d.product,
        d.closed_at,
        row_number() over (
            partition by d.account_id, d.deal_state order by d.closed_at, d.deal_id
        ) as place,
        row_number() over (
            partition by d.account_id, d.deal_state, d.product order by d.closed_at, d.deal_id
        ) as place_of_product
    from {{ ref('int_crm__deals_classified') }} as d
    where
        d.account_id is not null
        and d.deal_state <> 'open'
        and d.closed_at < {{ night_end }}
),

-- where the CRM does not tell, a product bought a second time is a renewal, and so is a second purchase of nobody
-- knows what
wins as (
    select
        account_id,
        deal_id,
        closed_at as occurred_at,
        case
            when place = 1 then 'use'
            when deal_kind = 'renewal' then 'renew'
            when deal_kind is null and (product is null or place_of_product > 1) then 'renew'
            else 'use'
        end as change
    from closed
    where deal_state = 'won'
),

usage_days as (
    select distinct
        c.account_id,
        u.usage_date
    from {{ ref('stg_crm__product_usage') }} as u
    inner join companies as c on c.source_id = u.company_id
    where u.usage_date <= cast('{{ var("as_of_date") }}' as date) and coalesce(u.usage_count, 1) > 0
),

invoice_days as (
    select distinct
        c.account_id,
        {{ local_date('i.issued_at') }} as invoiced_on
    from {{ ref('stg_crm__invoices') }} as i
    inner join companies as c on c.source_id = i.company_id
    where not coalesce(i.is_deleted, false) and i.amount > 0 and i.issued_at < {{ night_end }}
),

usage_gaps as (
    select
        account_id,
        {{ dbt.dateadd('day', silent_use, 'usage_date') }} as silent_on,
        lead(usage_date) over (partition by account_id order by usage_date) as heard_on
    from usage_days
),

invoice_gaps as (
    select
        account_id,
        {{ dbt.dateadd('day', silent_invoices, 'invoiced_on') }} as silent_on,
        lead(invoiced_on) over (partition by account_id order by invoiced_on) as heard_on
    from invoice_days
),

-- a source that has fallen silent itself says nothing of anybody
heard as (
    select
        (select max(u.usage_date) from usage_days as u) as last_use,
        (select max(i.invoiced_on) from invoice_days as i) as last_invoice
),

silences as (
    select
        g.account_id,
        g.silent_on,
        'silence:usage' as evidence
    from usage_gaps as g
    cross join heard as h
    where g.silent_on < coalesce(g.heard_on, h.last_use)
    union all
    select
        g.account_id,
        g.silent_on,
        'silence:invoices' as evidence
    from invoice_gaps as g
    cross join heard as h
    where
        g.silent_on < coalesce(g.heard_on, h.last_invoice)
        and not exists (
            select 1 from usage_days as u
            where
                u.account_id = g.account_id
                and u.usage_date > {{ dbt.dateadd('day', '-' ~ silent_use, 'g.silent_on') }}
        )
),

stamps as (
    select
        c.account_id,
        h.entered_at as occurred_at
    from {{ ref('stg_crm__lifecycle_stage_history') }} as h
    inner join {{ ref('lifecycle_journey') }} as s on s.source_stage = lower(trim(h.stage))
    inner join companies as c on c.source_id = h.record_id
    where h.record_type = 'company' and s.journey_stage = 'churn' and h.entered_at < {{ night_end }}
),

changes as (
    select
        account_id,
        occurred_at,
        change,
        concat('deal:', change) as evidence,
        deal_id
    from wins
    union all
    select
        account_id,
        closed_at as occurred_at,
        'churn' as change,
        'deal:churn' as evidence,
        deal_id
    from closed
    where deal_state = 'lost' and deal_kind = 'renewal'
    union all
    select
        account_id,
        {{ start_of_day('silent_on') }} as occurred_at,
        'churn' as change,
        evidence,
        cast(null as {{ dbt.type_string() }}) as deal_id
    from silences
    union all
    select
        account_id,
        occurred_at,
        'churn' as change,
        'lifecycle:churn' as evidence,
        cast(null as {{ dbt.type_string() }}) as deal_id
    from stamps
),

-- use comes back when it is seen again some time after the end
returns as (
    select
        g.account_id,
        min({{ start_of_day('g.usage_date') }}) as occurred_at,
        c.occurred_at as left_at
    from usage_days as g
    inner join changes as c on c.account_id = g.account_id and c.change = 'churn'
    where
        {{ start_of_day('g.usage_date') }}
        > {{ dbt.dateadd('day', 'cast(' ~ journey_parameter('return_days') ~ ' as integer)', 'c.occurred_at') }}
    group by g.account_id, c.occurred_at
),

told as (
    select * from changes
    union all
    select distinct
        account_id,
        occurred_at,
        'use' as change,
        'usage:return' as evidence,
        cast(null as {{ dbt.type_string() }}) as deal_id
    from returns
),

placed as (
    select
        *,
        row_number() over (
            partition by account_id
            order by occurred_at, case when change = 'churn' then 1 else 0 end, evidence, deal_id
        ) as place
    from told
),

compared as (
    select
        *,
        lag(change) over (partition by account_id order by place) as change_before
    from placed
),

-- who has not left does not come back, and who has left does not leave again by silence
kept as (
    select
        *,
        lead(occurred_at) over (partition by account_id order by place) as until_at
    from compared
    where
        (evidence <> 'usage:return' or change_before = 'churn')
        and (evidence not in ('silence:usage', 'silence:invoices') or coalesce(change_before, 'use') <> 'churn')
)

select
    account_id,
    occurred_at,
    until_at,
    deal_id,
    change <> 'churn' as is_customer,
    case
        when change_before = 'churn' and evidence = 'deal:use' then 'deal:return'
        when change_before = 'churn' and evidence = 'deal:renew' then 'deal:renew again'
        else evidence
    end as evidence
from kept
