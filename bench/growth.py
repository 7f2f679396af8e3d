"""Thirty nights of one new row in a hundred each: what a night costs while history grows, and what it leaves behind."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.night import INGEST, STEPS, settings_of
from bench.stage import Stage
from bench.worlds import END, EVENTS_A_COMPANY, READ_LINES, SEED, WRITE_LINES
from persona_warehouse.night import steps
from persona_warehouse.simulate import simulate
from persona_warehouse.warehouse import literal, scratch

NIGHTS = 30
DAYS = 2  # of 180: about one row of a hundred


def stages(folder: Path, rows: int) -> Iterator[Stage]:
    """A first night and thirty more, each in a process of its own; the world is written beside the clock."""
    companies = max(rows // EVENTS_A_COMPANY, 1)
    home, live, whole = folder / f"growth-{rows}", folder / f"growth-live-{rows}", folder / f"growth-whole-{rows}"
    for made in (home, live, whole):
        shutil.rmtree(made, ignore_errors=True)
    simulate(whole, seed=SEED, companies=companies, end=END)
    for night in range(NIGHTS + 1):
        on = END - timedelta(days=DAYS * (NIGHTS - night))
        _show(whole, live, companies, on, is_first=night == 0)
        arguments = {"home": str(home), "sources": str(live / "sources.yml"), "on": str(on)}
        yield Stage(f"night {night:02d}", (run_night, arguments), group=f"night {night:02d}", once=True)


def _show(whole: Path, live: Path, companies: int, on: date, *, is_first: bool) -> None:
    """The CRM and WeChat as they were that night, and one more file of web events."""
    web = live / "web"
    kept = live.with_name(f"{live.name}-web")
    shutil.rmtree(kept, ignore_errors=True)
    if not is_first:
        web.rename(kept)
    shutil.rmtree(live, ignore_errors=True)
    simulate(live, seed=SEED, companies=companies, end=END, until=on)
    shutil.rmtree(live / "truth")
    shutil.rmtree(web)
    web.mkdir()
    if not is_first:
        for file in kept.iterdir():
            file.rename(web / file.name)
    until = f"timestamptz '{on + timedelta(days=1)} 00:00:00+08'"
    since = "true" if is_first else f"received_at > {until} - interval {DAYS} day"
    with scratch() as connection:
        connection.execute(
            f"""copy (select line from (
                    select line, try_cast(try(line ->> '$.received_at') as timestamptz) as received_at
                    from read_csv({literal(whole / "web" / "*.jsonl.gz")}, {READ_LINES}))
                where received_at <= {until} and {since})
                to {literal(web / f"{on}.jsonl.gz")} ({WRITE_LINES})"""
        )


def run_night(home: str, sources: str, on: str) -> dict[str, Any]:
    """A night's steps, one after the other, and what the home holds afterwards."""
    settings = settings_of(Path(home), Path(sources), date.fromisoformat(on))
    rows, seconds = 0, {}
    for step in STEPS:
        begun = time.perf_counter()
        if step in INGEST:
            rows += steps.ingest(step.removeprefix("ingest_"), on).rows
        else:
            getattr(steps, step)(on)
        seconds[step] = round(time.perf_counter() - begun, 2)
    return {"rows": rows, "seconds_of": seconds, **_held(settings.home)}


def _held(home: Path) -> dict[str, float]:
    """Megabytes on the disk and files: of the landing zone, the warehouse, and of all releases, each file once."""
    held: dict[str, float] = {}
    for part in ("landing", "warehouse", "releases"):
        files = {one.stat().st_ino: one.stat().st_size for one in (home / part).rglob("*") if one.is_file()}
        held[f"{part}_mb"] = round(sum(files.values()) / 1e6, 1)
        held[f"{part}_files"] = len(files)
    held["releases"] = len([one for one in (home / "releases").glob("[0-9]*") if one.is_dir()])
    return held
