"""What the DAGs share: assets, tags, owner, retries, the form, and what a run says of its release."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, get_current_context, task
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

TIMEZONE = "Asia/Shanghai"
WRITER_POOL = "duckdb_writer"  # one slot: DuckDB has one writer; also the queue of the worker beside the warehouse

CRM = Asset("persona://landing/crm")
WEBSITE = Asset("persona://landing/website")
WECHAT = Asset("persona://landing/wechat")
RELEASE = Asset("persona://release")


class Tag(StrEnum):
    """The tags that a DAG may bear."""

    INGEST = "ingest"
    BUILD = "build"
    NIGHTLY = "nightly"


def _on_failure(context: Any) -> None:
    from persona_warehouse.night import alarms

    alarms.on_failure(context)


def on_published(context: Any) -> None:
    """Tells people what a night that published leaves to be looked at."""
    from persona_warehouse.night import alarms

    alarms.on_published(context)


def on_late(dag: str, **_: Any) -> None:
    """Tells people that a run has passed its deadline; Airflow gives the run's context beside it."""
    from persona_warehouse.night import alarms

    alarms.on_late(dag)


def in_time(dag_id: str, hours: float) -> DeadlineAlert:
    """An alarm where a run has not ended so many hours after it was queued."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=SyncCallback(on_late, kwargs={"dag": dag_id}),
        name=f"{dag_id} ends in time",
    )


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "data_engineering",
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=20),
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": _on_failure,
}

BUSINESS_DATE = Param(
    None,
    type=["null", "string"],
    format="date",
    title="Business date",
    description="The night's date; empty for the run's own data interval, or yesterday.",
)
FORCE = Param(
    False,
    type="boolean",
    title="Read all again",
    description="Read the sources whole and land everything again, as if nothing had been loaded before.",
)
SOURCES = Param(
    None,
    type=["null", "string"],
    title="Sources file",
    description="Another sources file for this run, as a path on the machine of the worker; empty for the usual one.",
)


def business_date(context: Any) -> str | None:
    """The night's date: the run's parameter, else the local day its data interval begins, else None (yesterday)."""
    given = context["params"].get("business_date")
    start = context.get("data_interval_start")
    end = context.get("data_interval_end")
    if given or start is None or start == end:
        return given or None
    return str(start.in_timezone(TIMEZONE).date())


def call(step: Any, *args: Any, **kwargs: Any) -> str:
    """Runs a step; what no second try can mend fails the task for good."""
    from airflow.sdk.exceptions import AirflowFailException

    from persona_warehouse.errors import AuditFailed, ConfigError

    try:
        return str(step(*args, **kwargs))
    except (ConfigError, AuditFailed) as error:
        raise AirflowFailException(str(error)) from error


def tell_release(context: Any, said: str) -> str:
    """Writes what was published to the event of the asset `persona://release`: id, rows, where its report is."""
    from persona_warehouse.publish import current_release
    from persona_warehouse.settings import load_settings

    settings = load_settings()
    release = current_release(settings)
    if release is None:
        return said
    tables = release.manifest["tables"].values()
    context["outlet_events"][RELEASE].extra = {
        "release_id": release.release_id,
        "business_date": release.manifest["business_date"],
        "tables": len(tables),
        "rows": sum(table["rows"] for table in tables),
        "report": f"{settings.report_url}/index.html",
    }
    return said


def ingest_dag(stream: str, schedule: CronDataIntervalTimetable, asset: Asset, doc: str | None) -> Any:
    """The DAG `ingest_<stream>`: one task that lands what is new and updates the asset."""

    @dag(
        dag_id=f"ingest_{stream}",
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        deadline=in_time(f"ingest_{stream}", 2),
        params={"business_date": BUSINESS_DATE, "sources": SOURCES, "force": FORCE},
        tags=[Tag.INGEST, Tag.NIGHTLY],
        doc_md=doc,
    )
    def ingest() -> None:
        @task(outlets=[asset])
        def load() -> str:
            """One load of the stream into the landing zone."""
            from persona_warehouse.night import steps

            context = get_current_context()
            given = context["params"]
            force, sources = bool(given["force"]), given["sources"] or None
            return call(steps.ingest, stream, business_date(context), force=force, sources=sources)

        load()

    return ingest()
