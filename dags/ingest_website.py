"""Lands what is new on the website: page views, form submissions, log lines.

Reads what the sources file names under `website`, writes one immutable load into the landing zone, and
updates the asset `persona://landing/website`. Nothing is kept of a load that fails; the other streams go on.
Run it again at will: what has not changed is not landed twice.
"""

from airflow.sdk import CronDataIntervalTimetable

from persona_warehouse.night import wiring

ingest_website = wiring.ingest_dag(
    "website",
    CronDataIntervalTimetable("30 1 * * *", timezone=wiring.TIMEZONE),  # every day at 01:30
    wiring.WEBSITE,
    __doc__,
)
