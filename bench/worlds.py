"""A sample world in four states of its sources: the first night, nothing new, two days more, and late events."""

from __future__ import annotations

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

from persona_warehouse.simulate import simulate
from persona_warehouse.warehouse import literal, scratch

SEED = 12
EVENTS_A_COMPANY = 133  # of 180 days
END = date(2026, 10, 31)
FIRST = END - timedelta(days=2)  # two days of 180 are about one row of a hundred
LATE_DAYS = 30
LATE_OF_A_HUNDRED = 6  # of the last thirty days: about one event of a hundred of all
# a line is one text, whatever stands in it
READ_LINES = "delim = '\x01', quote = '', escape = '', header = false, columns = {'line': 'varchar'}"
WRITE_LINES = "format csv, delim '\x01', quote '', escape '', header false, compression gzip"


def world(folder: Path, events: int) -> Path:
    """The folder of a world with about so many web events, made once: first/, second/ and late/ with their sources."""
    out = folder / f"world-{events}"
    if (out / "ready").exists():
        return out
    shutil.rmtree(out, ignore_errors=True)
    companies = max(events // EVENTS_A_COMPANY, 1)
    print(f"writing a world of {companies:,} companies, once, into {out}")
    simulate(out / "second", seed=SEED, companies=companies, end=END)
    simulate(out / "first", seed=SEED, companies=companies, end=END, until=FIRST)
    for state in ("first", "second"):
        shutil.rmtree(out / state / "truth")
    _hold_back(out)
    (out / "ready").touch()
    return out


def _hold_back(out: Path) -> None:
    """Web events: first without the late ones; second: those of first and a file of new ones; late: a file more."""
    last = f"timestamptz '{FIRST + timedelta(days=1)} 00:00:00+08'"
    (out / "late" / "web").mkdir(parents=True)
    web = out / "second" / "web"
    with scratch() as connection:
        connection.execute("set preserve_insertion_order = false")
        for file in sorted(web.glob("*.jsonl.gz")):
            connection.execute(
                f"""create or replace temp table lines as
                    select line, received_at > {last} as is_new,
                           received_at between {last} - interval {LATE_DAYS} day and {last}
                               and hash(event_id) % 100 < {LATE_OF_A_HUNDRED} as is_late
                    from (select line, try(line ->> '$.event_id') as event_id,
                                 try_cast(try(line ->> '$.received_at') as timestamptz) as received_at
                          from read_csv({literal(file)}, {READ_LINES}))"""
            )
            kept = {
                out / "first" / "web" / file.name: "not coalesce(is_new or is_late, false)",
                web / f"new-{file.name}": "coalesce(is_new, false)",
                out / "late" / "web" / f"late-{file.name}": "coalesce(is_late and not is_new, false)",
            }
            file.unlink()
            for target, condition in kept.items():
                if connection.execute(f"select count(*) from lines where {condition}").fetchall() == [(0,)]:
                    target.unlink(missing_ok=True)
                    continue
                connection.execute(
                    f"copy (select line from lines where {condition}) to {literal(target)} ({WRITE_LINES})"
                )
    for file in (out / "first" / "web").glob("*.jsonl.gz"):
        os.link(file, web / file.name)


def show(world: Path, state: str, live: Path) -> Path:
    """Puts a state where a night looks for its sources, and returns their sources.yml; files that stay are the same."""
    if state == "late":
        for file in (world / "late" / "web").iterdir():
            os.link(file, live / "web" / file.name)
    else:
        shutil.rmtree(live, ignore_errors=True)
        shutil.copytree(world / state, live, copy_function=os.link)
    return live / "sources.yml"
