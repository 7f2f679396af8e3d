"""Lands the followers of the WeChat Official Account, its tags and daily statistics.

Reads what the sources file names under `wechat`, writes one immutable load into the landing zone, and updates
the asset `persona://landing/wechat`. Nothing is kept of a load that fails; the other streams go on. Run it
again at will: what has not changed is not landed twice.
"""

from airflow.sdk import CronDataIntervalTimetable, dag, get_current_context, task

from persona_warehouse.night import wiring


@dag(
    dag_id="ingest_wechat",
    schedule=CronDataIntervalTimetable(
        "15 8 * * *", timezone=wiring.TIMEZONE
    ),  # every day at 08:15, for WeChat closes yesterday's statistics at 08:00
    catchup=False,
    max_active_runs=1,
    default_args=wiring.DEFAULT_ARGS,
    params={"business_date": wiring.BUSINESS_DATE, "force": wiring.FORCE},
    tags=[wiring.Tag.INGEST, wiring.Tag.NIGHTLY],
    doc_md=__doc__,
)
def ingest_wechat() -> None:
    @task(outlets=[wiring.WECHAT])
    def load() -> str:
        """One load of the stream into the landing zone."""
        from persona_warehouse.night import steps

        context = get_current_context()
        date = wiring.business_date(context)
        return wiring.call(steps.ingest, "wechat", date, force=bool(context["params"]["force"]))

    load()


ingest_wechat()
