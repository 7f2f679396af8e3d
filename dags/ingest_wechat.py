"""Lands the followers of the WeChat Official Account, its tags and daily statistics.

Reads what the sources file names under `wechat`, writes one immutable load into the landing zone, and updates
the asset `persona://landing/wechat`. Nothing is kept of a load that fails; the other streams go on. Run it
again at will: what has not changed is not landed twice.
"""

from airflow.sdk import CronDataIntervalTimetable

from persona_warehouse.night import wiring

ingest_wechat = wiring.ingest_dag(
    "wechat",
    # WeChat closes yesterday's statistics at 08:00
    CronDataIntervalTimetable("15 8 * * *", timezone=wiring.TIMEZONE),  # every day at 08:15
    wiring.WECHAT,
    __doc__,
)
