select cast(started_at as date) as day, channel, count(*) as sessions, count(account_id) as known
from marts.sessions
where not is_bot and not is_own_traffic and started_at >= (select max(started_at) - interval 90 day from marts.sessions)
group by all
order by all
