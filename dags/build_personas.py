"""Builds, audits and publishes a release from whatever has landed.

staging, audit, identity, marts, audit, publish. Runs when all three streams are fresh, and at 09:00 in any
case: a stream that is late or failed is named in the report and does not stop the night. A critical
expectation that does not hold does: then nothing is published and `current` stays where it was.

What was published, and where its report is, stands in the event of the asset `persona://release`.
"""

from collections.abc import Callable
from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, TaskGroup, chain, dag, get_current_context, task

from persona_warehouse.night import steps, wiring

GROUPS = {
    "staging": (steps.build_staging, steps.audit_staging),
    "identity": (steps.resolve_identities,),
    "marts": (steps.build_marts, steps.audit_marts),
    "release": (steps.publish_release,),
}


@dag(
    dag_id="build_personas",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 9 * * *", timezone=wiring.TIMEZONE),  # every day at 09:00
        assets=wiring.CRM & wiring.WEBSITE & wiring.WECHAT,
    ),
    catchup=False,
    max_active_runs=1,
    default_args=wiring.DEFAULT_ARGS,
    deadline=wiring.in_time("build_personas", 3),
    params={"business_date": wiring.BUSINESS_DATE},
    tags=[wiring.Tag.BUILD, wiring.Tag.NIGHTLY],
    doc_md=__doc__,
)
def build_personas() -> None:
    def one(step: Callable[[str | None], Any]) -> Any:
        last: dict[str, Any] = {"outlets": [wiring.RELEASE], "on_success_callback": wiring.on_published}
        more = last if step is steps.publish_release else {}

        @task(task_id=step.__name__, pool=wiring.WRITER_POOL, queue=wiring.WRITER_POOL, doc_md=step.__doc__, **more)
        def run() -> str:
            context = get_current_context()
            said = wiring.call(step, wiring.business_date(context))
            return wiring.tell_release(context, said) if more else said

        return run()

    tasks: list[Any] = []
    for group, inside in GROUPS.items():
        with TaskGroup(group, prefix_group_id=False):
            tasks += map(one, inside)
    chain(*tasks)


build_personas()
