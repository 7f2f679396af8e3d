{#
    what the lists of followers said night after night; staging keeps the newest list only. Adjoining lists that say the
    same of a person are one row, so the table grows with what changes, not with the nights
#}
{{ config(
    materialized='table' if target.type == 'spark' else 'incremental',
    incremental_strategy='by_key',
    unique_key='openid',
    on_schema_change='append_new_columns',
) }}

with landed as (
    {{ new_loads('wechat', 'followers', 'openid is not null') }}
),

-- a list is of the time in which it was read: who stands in it followed when reading began, at the earliest
listed as (
    select
        f.openid,
        f.subscribed_at,
        f.subscribe_scene,
        f.qr_scene,
        f.qr_scene_str,
        l.started_at as first_seen_at,
        l.started_at as last_seen_at,
        l.finished_at as first_seen_before,
        f.load_id,
        -- who is listed and of whom nothing came follows as far as is known
        case
            when f.row_errors is null and f.is_subscribed is null and f.subscribed_at is not null then true
            when f.row_errors is null then f.is_subscribed
        end as is_subscribed,
        row_number() over (
            partition by f.openid, f.load_id order by f.row_errors is null desc, f.source_file desc, f.source_row desc
        ) as place
    from landed as f
    inner join {{ source('landing', 'loads') }} as l on l.load_id = f.load_id and l.stream = 'wechat'
),

seen as (
    select
        openid,
        is_subscribed,
        subscribed_at,
        subscribe_scene,
        qr_scene,
        qr_scene_str,
        first_seen_at,
        last_seen_at,
        first_seen_before,
        load_id
    from listed
    where place = 1
    {% if is_incremental() %}
        union all
        select
            openid,
            is_subscribed,
            subscribed_at,
            subscribe_scene,
            qr_scene,
            qr_scene_str,
            first_seen_at,
            last_seen_at,
            first_seen_before,
            load_id
        from {{ this }} as kept
        where exists (
            select 1 from listed
            where listed.openid = kept.openid
        )
    {% endif %}
),

carried as (
    select
        *,
        {{ filled_before('is_subscribed', 'openid', 'first_seen_at, load_id') }} as was_subscribed,
        {{ filled_before('subscribed_at', 'openid', 'first_seen_at, load_id') }} as was_subscribed_at
    from seen
),

stated as (
    select
        openid,
        coalesce(is_subscribed, was_subscribed) as is_subscribed,
        case
            when not coalesce(is_subscribed, was_subscribed) then null
            when is_subscribed is null then was_subscribed_at
            else subscribed_at
        end as subscribed_at,
        subscribe_scene,
        qr_scene,
        qr_scene_str,
        first_seen_at,
        last_seen_at,
        first_seen_before,
        load_id
    from carried
    where coalesce(is_subscribed, was_subscribed) is not null
),

compared as (
    select
        *,
        lag(is_subscribed) over (partition by openid order by first_seen_at, load_id) as subscribed_before,
        lag(subscribed_at) over (partition by openid order by first_seen_at, load_id) as subscribed_at_before
    from stated
),

changes as (
    select
        *,
        case
            when is_subscribed = subscribed_before and subscribed_at = subscribed_at_before then 0
            when is_subscribed = subscribed_before and subscribed_at is null and subscribed_at_before is null then 0
            else 1
        end as is_change
    from compared
),

runs as (
    select
        *,
        sum(is_change) over (
            partition by openid order by first_seen_at, load_id rows between unbounded preceding and current row
        ) as state_number
    from changes
)

select
    openid,
    cast(state_number as integer) as state_number,
    is_subscribed,
    subscribed_at,
    -- a person's scenes come with every list anew
    max(subscribe_scene) as subscribe_scene,
    max(qr_scene) as qr_scene,
    max(qr_scene_str) as qr_scene_str,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    min(first_seen_before) as first_seen_before,
    max(load_id) as load_id
from runs
group by openid, state_number, is_subscribed, subscribed_at
