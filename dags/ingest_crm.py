"""Lands what is new in the CRM: companies, contacts, leads, deals, activities, products.

Reads what the sources file names under `crm`, writes one immutable load into the landing zone, and updates
the asset `persona://landing/crm`. Nothing is kept of a load that fails; the other streams go on. Run it again
at will: what has not changed is not landed twice.
"""

from airflow.sdk import CronDataIntervalTimetable

from persona_warehouse.night import wiring

ingest_crm = wiring.ingest_dag(
    "crm",
    CronDataIntervalTimetable("0 1 * * *", timezone=wiring.TIMEZONE),  # every day at 01:00
    wiring.CRM,
    __doc__,
)
