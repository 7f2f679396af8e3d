"""What every step of a night did: one small file a step, under runs/<date>/, so that any process can tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from persona_warehouse.errors import ExitCode, PersonaError
from persona_warehouse.files import read_json, write_json
from persona_warehouse.settings import Settings


@dataclass(frozen=True)
class StepRun:
    """A step's last run of a night.

    Attributes:
        status: running, done or failed.
        detail: what it did, for people.
        message: why it failed, without the values that the failing rows hold.
        exit_code: what its failure means for the command line.
    """

    business_date: str
    dag: str
    task: str
    status: str
    started_at: str
    seconds: float
    detail: str = ""
    message: str = ""
    exit_code: int = 0


observers: list[Callable[[StepRun], None]] = []


def record(settings: Settings, dag: str, task: str, body: Callable[[], Any]) -> Any:
    """Runs a step and writes down how it went; its error goes on to the caller."""
    started = datetime.now(UTC)
    clock = time.monotonic()

    def note(status: str, **more: Any) -> None:
        run = StepRun(
            business_date=settings.business_date.isoformat(),
            dag=dag,
            task=task,
            status=status,
            started_at=started.isoformat(timespec="milliseconds"),
            seconds=round(time.monotonic() - clock, 2),
            **more,
        )
        write_json(_file(settings, dag, task), asdict(run))
        for observer in observers:
            observer(run)

    note("running")
    try:
        result = body()
    except PersonaError as error:
        note("failed", message=error.problem, detail=str(error), exit_code=int(error.exit_code))
        raise
    except BaseException as error:
        note(
            "failed",
            message=type(error).__name__,
            detail=f"{type(error).__name__}: {error}",
            exit_code=int(ExitCode.FAULT),
        )
        raise
    note("done", detail=str(result) if result is not None else "")
    return result


def recorded(settings: Settings) -> list[StepRun]:
    """The steps of this night so far, in the order they began."""
    folder = settings.home / "runs" / settings.business_date.isoformat()
    runs = (StepRun(**read_json(path)) for path in folder.glob("*.json"))
    return sorted(runs, key=lambda run: (run.started_at, run.dag, run.task))


def forget(settings: Settings, dags: Collection[str] | None = None) -> None:
    """Clears the notes of an earlier run of the same night; of some DAGs only, where they are given."""
    folder = settings.home / "runs" / settings.business_date.isoformat()
    for path in folder.glob("*.json"):
        if dags is None or path.name.partition(".")[0] in dags:
            path.unlink()


def _file(settings: Settings, dag: str, task: str) -> Any:
    return settings.home / "runs" / settings.business_date.isoformat() / f"{dag}.{task}.json"
