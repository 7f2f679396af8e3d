"""Builds, audits and publishes a release from whatever has landed.

staging, audit, identity, marts, audit, publish. Runs when all three streams are fresh, and at 09:00 in any case: a stream that is
late or failed is named in the report and does not stop the night. A critical expectation that does not hold does: then nothing
is published and `current` stays where it was.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, get_current_context, task

from persona_warehouse.night import wiring


def _step(name: str) -> str:
    from persona_warehouse.night import steps

    return wiring.call(getattr(steps, name), wiring.business_date(get_current_context()))


@dag(
    dag_id="build_personas",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 9 * * *", timezone=wiring.TIMEZONE),  # every day at 09:00
        assets=wiring.CRM & wiring.WEBSITE & wiring.WECHAT,
    ),
    catchup=False,
    max_active_runs=1,
    default_args=wiring.DEFAULT_ARGS,
    params={"business_date": wiring.BUSINESS_DATE},
    tags=[wiring.Tag.BUILD, wiring.Tag.NIGHTLY],
    doc_md=__doc__,
)
def build_personas() -> None:
    @task(pool=wiring.WRITER_POOL)
    def build_staging() -> str:
        """New loads into staging and quarantine."""
        return _step("build_staging")

    @task(pool=wiring.WRITER_POOL)
    def audit_staging() -> str:
        """What enters."""
        return _step("audit_staging")

    @task(pool=wiring.WRITER_POOL)
    def resolve_identities() -> str:
        """Who is who."""
        return _step("resolve_identities")

    @task(pool=wiring.WRITER_POOL)
    def build_marts() -> str:
        """The marts."""
        return _step("build_marts")

    @task(pool=wiring.WRITER_POOL)
    def audit_marts() -> str:
        """What leaves."""
        return _step("audit_marts")

    @task(pool=wiring.WRITER_POOL, outlets=[wiring.RELEASE])
    def publish_release() -> str:
        """The release, and the pointer to it."""
        return _step("publish_release")

    build_staging() >> audit_staging() >> resolve_identities() >> build_marts() >> audit_marts() >> publish_release()


build_personas()
