{# touches of people and companies that we know; what nobody is known for stays in sessions, and what is only planned on
   the night's date touches nobody yet #}
with people as (
    select
        source_system,
        source_object,
        source_id,
        contact_id,
        account_id
    from {{ source('identity', 'people') }}
),

companies as (
    select
        source_id,
        account_id
    from {{ source('identity', 'companies') }}
    where source_system = 'crm'
),

touches as (
    select
        concat('web_session|', session_id) as touch_key,
        contact_id,
        account_id,
        'web_session' as touchpoint_type,
        channel,
        campaign,
        content_type,
        topic,
        started_at as occurred_at
    from {{ ref('sessions') }}
    where not is_bot and not is_own_traffic and coalesce(contact_id, account_id) is not null
    union all
    select
        concat('wechat_follow|', f.openid) as touch_key,
        p.contact_id,
        p.account_id,
        'wechat_follow' as touchpoint_type,
        'wechat' as channel,
        f.subscribe_scene as campaign,
        cast(null as {{ dbt.type_string() }}) as content_type,
        cast(null as {{ dbt.type_string() }}) as topic,
        f.subscribed_at as occurred_at
    from {{ ref('stg_wechat__followers') }} as f
    inner join people as p
        on p.source_system = 'wechat' and p.source_object = 'followers' and p.source_id = f.openid
    union all
    select
        concat('crm_activity|', a.activity_id) as touch_key,
        p.contact_id,
        coalesce(c.account_id, p.account_id, d.account_id) as account_id,
        'crm_activity' as touchpoint_type,
        coalesce(t.activity_type, lower(trim(a.activity_type))) as channel,
        cast(null as {{ dbt.type_string() }}) as campaign,
        cast(null as {{ dbt.type_string() }}) as content_type,
        cast(null as {{ dbt.type_string() }}) as topic,
        a.occurred_at
    from {{ ref('stg_crm__activities') }} as a
    left join people as p
        on p.source_system = 'crm' and p.source_object = 'contacts' and p.source_id = a.contact_id
    left join companies as c on c.source_id = a.company_id
    left join {{ ref('int_crm__deals_classified') }} as d on d.deal_id = a.deal_id
    left join {{ ref('activity_types') }} as t on t.source_type = lower(trim(a.activity_type))
    where coalesce(p.contact_id, c.account_id, d.account_id) is not null
    union all
    select
        concat('lead_created|', l.lead_id) as touch_key,
        p.contact_id,
        p.account_id,
        'lead_created' as touchpoint_type,
        l.lead_source as channel,
        cast(null as {{ dbt.type_string() }}) as campaign,
        cast(null as {{ dbt.type_string() }}) as content_type,
        cast(null as {{ dbt.type_string() }}) as topic,
        l.created_at as occurred_at
    from {{ ref('stg_crm__leads') }} as l
    inner join people as p
        on p.source_system = 'crm' and p.source_object = 'leads' and p.source_id = l.lead_id
    union all
    select
        concat('deal_created|', deal_id) as touch_key,
        cast(null as {{ dbt.type_string() }}) as contact_id,
        account_id,
        'deal_created' as touchpoint_type,
        'crm' as channel,
        cast(null as {{ dbt.type_string() }}) as campaign,
        cast(null as {{ dbt.type_string() }}) as content_type,
        cast(null as {{ dbt.type_string() }}) as topic,
        created_at as occurred_at
    from {{ ref('int_crm__deals_classified') }}
    where account_id is not null
),

placed as (
    select
        *,
        row_number() over (partition by coalesce(account_id, contact_id) order by occurred_at, touch_key) as place,
        row_number() over (
            partition by coalesce(account_id, contact_id) order by occurred_at desc, touch_key desc
        ) as place_from_end
    from touches
    -- also leaves out what has no date
    where occurred_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
)

select
    {{ keyed_hash('touch_key') }} as touchpoint_id,
    contact_id,
    account_id,
    touchpoint_type,
    channel,
    campaign,
    content_type,
    topic,
    occurred_at,
    place = 1 as is_first_touch,
    place_from_end = 1 as is_last_touch
from placed
