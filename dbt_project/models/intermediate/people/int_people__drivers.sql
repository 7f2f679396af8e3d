{# what a person mostly comes for: the driver of most of the recent sessions, weighed by how sure each is #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with recent as (
    select
        contact_id,
        driver,
        driver_confidence
    from {{ ref('sessions') }}
    where
        contact_id is not null and driver is not null and not is_bot and not is_own_traffic
        and {{ days_between(local_date('started_at'), night) }}
        between 0 and {{ behaviour_parameter('contact_driver_days') }} - 1
),

drivers as (
    select
        contact_id,
        driver,
        sum(driver_confidence) as weight,
        sum(count(*)) over (partition by contact_id) as session_count
    from recent
    group by contact_id, driver
),

placed as (
    select
        contact_id,
        driver,
        session_count,
        round(weight / sum(weight) over (partition by contact_id), 6) as driver_share,
        row_number() over (partition by contact_id order by round(weight, 6) desc, driver desc) as place
    from drivers
)

select
    contact_id,
    driver as behavior_driver,
    driver_share as behavior_driver_share,
    cast(session_count as bigint) as driven_session_count
from placed
where place = 1 and session_count >= {{ behaviour_parameter('contact_driver_sessions_min') }}
