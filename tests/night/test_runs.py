"""The notes that every step of a night leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from persona_warehouse.errors import AuditFailed, ConfigError, SourceFault
from persona_warehouse.night import runs
from persona_warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)


@pytest.fixture
def watched() -> Iterator[list[runs.StepRun]]:
    seen: list[runs.StepRun] = []
    runs.observers.append(seen.append)
    yield seen
    runs.observers.remove(seen.append)


def test_a_step_that_works(settings: Settings, watched: list[runs.StepRun]) -> None:
    during: list[runs.StepRun] = []

    def body() -> int:
        during.extend(runs.recorded(settings))
        return 42

    assert runs.record(settings, "ingest_crm", "load", body) == 42
    assert [run.status for run in during] == ["running"]
    assert [run.status for run in watched] == ["running", "done"]
    (run,) = runs.recorded(settings)
    assert run == watched[-1]
    assert (run.business_date, run.dag, run.task, run.detail) == ("2026-11-20", "ingest_crm", "load", "42")
    assert run.started_at.endswith("+00:00")
    assert run.seconds >= 0


def test_a_step_that_says_nothing(settings: Settings) -> None:
    assert runs.record(settings, "d", "t", lambda: None) is None
    assert runs.recorded(settings)[0].detail == ""


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (SourceFault("cut off", file="a.csv", found="'13800000000'"), "cut off", 3),
        (ConfigError("no such column"), "no such column", 2),
        (AuditFailed("3 expectations fail"), "3 expectations fail", 1),
        (ValueError("could not convert '13800000000'"), "ValueError", 3),
        (KeyboardInterrupt(), "KeyboardInterrupt", 3),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_a_step_that_fails(settings: Settings, error: BaseException, message: str, code: int) -> None:
    def body() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        runs.record(settings, "ingest_crm", "load", body)
    assert caught.value is error
    (run,) = runs.recorded(settings)
    assert (run.status, run.message, run.exit_code) == ("failed", message, code)
    assert "13800000000" not in run.message
    assert str(error) in run.detail


def test_a_second_try_replaces_the_first(settings: Settings) -> None:
    with pytest.raises(ZeroDivisionError):
        runs.record(settings, "d", "t", lambda: 1 // 0)
    runs.record(settings, "d", "t", lambda: "well")
    assert [(run.status, run.message, run.exit_code) for run in runs.recorded(settings)] == [("done", "", 0)]


def test_steps_are_listed_in_the_order_they_began(settings: Settings) -> None:
    def outer() -> None:
        runs.record(settings, "a", "inner", lambda: None)

    runs.record(settings, "z", "outer", outer)
    runs.record(settings, "m", "last", lambda: None)
    for number, run in enumerate(("m.last", "a.inner", "z.outer")):  # three steps of one millisecond
        path = settings.home / "runs" / "2026-11-20" / f"{run}.json"
        note = json.loads(path.read_text())
        path.write_text(json.dumps({**note, "started_at": f"2026-11-20T20:00:00.{5 if number else 9:03}+00:00"}))
    assert [f"{run.dag}.{run.task}" for run in runs.recorded(settings)] == ["a.inner", "z.outer", "m.last"]


def test_nights_are_kept_apart_and_forgotten_apart(settings: Settings) -> None:
    other = settings.with_date(date(2026, 11, 21))
    assert runs.recorded(settings) == []
    runs.forget(settings)  # nothing there yet
    for one in (settings, other):
        runs.record(one, "d", "t", lambda: None)
    runs.forget(settings)
    assert runs.recorded(settings) == []
    assert [run.business_date for run in runs.recorded(other)] == ["2026-11-21"]
