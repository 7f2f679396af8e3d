"""What of a night is told to people, and when: a step that failed, a night that published, one that does not end."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from persona_warehouse import alarms
from persona_warehouse.alarms import Problem, Told
from persona_warehouse.night.runs import StepRun, recorded
from persona_warehouse.quality.results import Result, read_results
from persona_warehouse.settings import Settings, load_settings

log = logging.getLogger(__name__)
# what an audit's remedy is, whichever expectation it is
MEND = "read the page, have the cause mended at its source, run the night again · 阅读页面,在源头修正,再运行一次"
SEE = "read the page and mend the source; readers have their release · 阅读页面并修正来源;读者仍有可用版本"
AGAIN = "mend what it names, then run the night again · 修正所述问题后再运行一次"


def failed_step(settings: Settings) -> list[Told]:
    """Tells what failed so far this night, with the expectations behind an audit that did."""
    return alarms.tell(settings, problems(settings), whole=False)


def published(settings: Settings) -> list[Told]:
    """Tells what a night that published leaves to be looked at, what has ended, and that it lives."""
    told = alarms.tell(settings, problems(settings), whole=True)
    steps = recorded(settings)
    failed = sum(step.status == "failed" for step in steps)
    return told + alarms.beat(settings, f"{len(steps)} steps, {failed} failed · {len(steps)} 步,{failed} 步失败")


def late(settings: Settings, dag: str) -> list[Told]:
    """Tells that a run has not ended in time."""
    problem = Problem(
        key=f"late:{dag}",
        kind="late",
        owner="data_engineering",
        cause=f"{dag} has not ended in time · {dag} 未按时结束",
        remedy="look at its running task; `persona doctor` names a lock or a full disk · 查看正在运行的任务和锁",
    )
    return alarms.tell(settings, [problem], whole=False)


def silent(settings: Settings, hours: float) -> Problem | None:
    """That no night has published for so many hours, if none has."""
    last = alarms.last_beat(settings)
    if last is not None and datetime.now(UTC) - last <= timedelta(hours=hours):
        return None
    said = f"since {last:%Y-%m-%d %H:%M} UTC" if last else "ever"
    return Problem(
        key="silence",
        kind="late",
        owner="data_engineering",
        cause=f"no night has published {said} · 没有新的发布",
        remedy="is the scheduler running? `persona airflow jobs check`, then `persona nightly` · 检查调度器,再运行一次",
    )


def problems(settings: Settings) -> list[Problem]:
    """What the night's steps and audits found: failed steps, and critical and warning expectations that do not hold."""
    steps = [_of_step(run) for run in recorded(settings) if run.status == "failed"]
    broken = [one for one in read_results(settings) if not one.success and one.severity != "info"]
    return [*steps, *(_of_result(settings, one) for one in broken)]


def _of_step(run: StepRun) -> Problem:
    said = [line.partition("to do:")[2].strip() for line in run.detail.splitlines() if "to do:" in line]
    return Problem(
        key=f"step:{run.dag}.{run.task}",
        kind="warning" if run.dag.startswith("ingest_") else "critical",
        owner="data_engineering",
        cause=f"{run.dag}.{run.task}: {run.message}",
        remedy=said[0] if said else AGAIN,
    )


def _of_result(settings: Settings, one: Result) -> Problem:
    is_critical = one.severity == "critical"
    counted = f"{one.unexpected_count:,} / {one.evaluated_count:,}"
    return Problem(
        key=f"audit:{one.boundary}.{one.suite}.{one.expectation}",
        kind="critical" if is_critical else "warning",
        owner=one.owner,
        cause=f"{one.suite}: {one.expectation} ({counted})",
        remedy=MEND if is_critical else SEE,
        page=f"audits/{settings.business_date}/quality/index.html",
    )


# what the DAGs call. telling never fails a night; what goes wrong in it may hold an address: only its kind is said


def on_failure(context: Any) -> None:
    """A task has failed for good."""
    _told(lambda: failed_step(_settings(context)))


def on_published(context: Any) -> None:
    """The task that publishes has done so."""
    _told(lambda: published(_settings(context)))


def on_late(dag: str) -> None:
    """A run has passed its deadline."""
    _told(lambda: late(load_settings(), dag))


def _settings(context: Any) -> Settings:
    from persona_warehouse.night.wiring import business_date

    return load_settings(business_date=business_date(context))


def _told(tell: Any) -> None:
    try:
        for one in tell():
            log.info("alarm: %s %s, %s problems", one.connection, one.state, one.problems)
    except Exception as error:
        log.error("alarms could not be told: %s", type(error).__name__)
