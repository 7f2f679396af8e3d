select metric, day, value, target
from marts.kpi_daily
where segment_type = 'all' and day > (select max(day) - 60 from marts.kpi_daily)
order by metric, day
