"""A night and those after it, step by step: what they cost beside the bare engine, and beside the first one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench import bare, worlds
from bench.stage import Stage
from persona_warehouse.landing.contract import STREAMS
from persona_warehouse.night import steps
from persona_warehouse.settings import Settings, load_settings

INGEST = tuple(f"ingest_{stream}" for stream in STREAMS)
STEPS = (*INGEST, *steps.BODIES)
# name, what its sources show, its date
NIGHTS = (
    ("first night", "first", worlds.FIRST),
    ("nothing new", "first", worlds.FIRST + timedelta(days=1)),
    ("1 % new", "second", worlds.END),
    ("1 % late", "late", worlds.END),
)
LAYERS = {"build_staging": bare.before_staging, "build_marts": bare.before_marts}
BARS = {
    "first night": "at most twice the bare engine",
    "nothing new": "3 % of the first night and the fixed cost",
    "1 % new": "8 % of the first night",
    "1 % late": "8 % of the first night",
}


def stages(folder: Path, rows: int) -> Iterator[Stage]:
    """Four nights of one home, then all of it built anew and compared."""
    world = worlds.world(folder, rows)
    home, live = folder / f"home-{rows}", folder / f"live-{rows}"
    shutil.rmtree(home, ignore_errors=True)
    for night, state, on in NIGHTS:
        sources = worlds.show(world, state, live)
        settings = settings_of(home, sources, on)
        for step in STEPS:
            yield from _stages_of_step(folder, settings, night, step)
    arguments = {"home": str(home), "sources": str(live / "sources.yml"), "on": str(worlds.END)}
    yield Stage("all anew", (rebuild, arguments), group="all anew", once=True, bar="the same marts")


def _stages_of_step(folder: Path, settings: Settings, night: str, step: str) -> Iterator[Stage]:
    arguments = {
        "home": str(settings.home),
        "sources": str(settings.sources_file),
        "on": str(settings.business_date),
        "step": step,
    }
    is_bare = night == NIGHTS[0][0] and step in LAYERS
    statements = folder / f"{step}.json"
    bare_call: tuple[Callable[..., dict[str, Any]], dict[str, Any]] | None = None
    if is_bare:
        bare_call = (run_bare, {**arguments, "folder": str(folder / "bare"), "statements": str(statements)})
        if step == "build_marts":
            LAYERS[step](settings, folder / "bare")
    yield Stage(f"{night}: {step}", (run_step, arguments), bare_call, BARS[night], night, once=True)


def run_step(home: str, sources: str, on: str, step: str) -> dict[str, Any]:
    """One step as a task of Airflow runs it, its imports included."""
    settings_of(Path(home), Path(sources), date.fromisoformat(on))
    size = _bytes(Path(home))
    if step in INGEST:
        done = steps.ingest(step.removeprefix("ingest_"), on)
        return {"rows": done.rows, "bytes": _bytes(Path(home)) - size}
    getattr(steps, step)(on)
    return {"rows": 0, "bytes": _bytes(Path(home)) - size}


def run_bare(home: str, sources: str, on: str, step: str, folder: str, statements: str) -> dict[str, Any]:
    """The statements of the step that just ran."""
    import time

    settings = settings_of(Path(home), Path(sources), date.fromisoformat(on))
    bare.remember(settings, Path(statements))
    if step == "build_staging":
        LAYERS[step](settings, Path(folder))
    start = time.perf_counter()
    count = bare.run(settings, Path(folder), Path(statements))
    return {"rows": 0, "statements": count, "seconds": time.perf_counter() - start}


def rebuild(home: str, sources: str, on: str) -> dict[str, Any]:
    """The warehouse built anew from the landing zone, and its marts compared with those of night after night."""
    from persona_warehouse import publish
    from persona_warehouse.night import rebuild as rebuilding
    from persona_warehouse.night.runs import recorded

    settings = settings_of(Path(home), Path(sources), date.fromisoformat(on))
    before = publish.current_release(settings)

    def run(at: Settings) -> Any:
        for step in steps.BODIES:
            getattr(steps, step)(on)
        return recorded(at)

    rebuilding.rebuild(settings, lambda _: None, run)
    now = publish.current_release(settings)
    if now is None:
        raise RuntimeError("nothing was published")
    compared = rebuilding.compare(before, now)
    differ = [one.table for one in compared if one.word != "same"]
    return {"rows": 0, "tables": len(compared), "tables_that_differ": differ}


def settings_of(home: Path, sources: Path, on: date) -> Settings:
    """The settings of a night of a home, also for what it calls."""
    os.environ["PERSONA_HOME"], os.environ["PERSONA_SOURCES"] = str(home), str(sources)
    return load_settings(business_date=str(on))


def _bytes(home: Path) -> int:
    return sum(file.stat().st_size for file in home.rglob("*") if file.is_file() and not file.is_symlink())
