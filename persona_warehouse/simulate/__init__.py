"""The sample world: companies, people and their way to a purchase, as CRM, website and WeChat would have seen it.

Everything is invented. The truth stands beside the files, so that what the pipeline infers can be measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.simulate import crm as crm_
from persona_warehouse.simulate import faults as fault
from persona_warehouse.simulate import (
    records,
    sources_file,
    truth,
    web_files,
    web_truth,
    website,
    wechat,
    wechat_pushes,
)
from persona_warehouse.simulate.episodes import Episode, episodes
from persona_warehouse.simulate.faults import FAULTS
from persona_warehouse.simulate.records import Identity, Spoiled
from persona_warehouse.simulate.story import Window
from persona_warehouse.simulate.visits import Visits, visits
from persona_warehouse.simulate.website import Events
from persona_warehouse.simulate.world import World, build_world

__all__ = ["FAULTS", "SampleWorld", "simulate"]

SOURCES_NAME = "sources.yml"
_FOLDERS = ("crm", "web", "wechat", "truth")


@dataclass(frozen=True)
class SampleWorld:
    """What was written.

    Attributes:
        out: the folder.
        sources_file: the sources.yml that loads it all.
        end: the last day that was written, the business date of that night.
        counts: rows of each file, by its path in the folder; of a file that a fault cut, the rows before the cut.
    """

    out: Path
    sources_file: Path
    end: date
    counts: dict[str, int]


def simulate(
    out: Path,
    *,
    seed: int = 7,
    companies: int = 200,
    days: int = 180,
    end: date = date(2026, 10, 31),
    until: date | None = None,
    faults: Sequence[str] = (),
) -> SampleWorld:
    """Writes a sample world into `out`: crm/, web/, wechat/, truth/ and sources.yml. What stood there is replaced.

    The same arguments give the same bytes. Website and WeChat show `days` days that end with `end`, in
    Asia/Shanghai; the CRM also what was before.

    Args:
        until: writes what the sources would have shown at the end of that earlier day of the same world: with one
            `end` and growing `until`, night follows night. Default: `end`.
        faults: names of FAULTS; each spoils what it names and leaves the rest as it is.

    Raises:
        ConfigError: an unknown fault, a world without companies or days, a day outside of the world, or a folder that
            holds something else.
    """
    chosen = fault.check(faults)
    window = Window(end, days)
    _check(window, seed, companies, until)
    _refuse_foreign(out)
    last = datetime.combine(until or end, time(23, 59, 59, 999_000))
    world = build_world(seed, companies, window)
    crm = crm_.build_crm(world)
    out.mkdir(parents=True, exist_ok=True)
    # the sources file comes first: it marks the folder as ours should this be cut short
    sources = out / SOURCES_NAME
    sources.write_text(sources_file.sources_text(crm), encoding="utf-8")
    for folder in _FOLDERS:
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir()
    web = _write_website(out, world, last, chosen)
    encodings = {**crm_.ENCODINGS, **({"crm/contacts.csv": "utf-8"} if "encoding" in chosen else {})}
    written = crm_.write(out, crm, last, lambda shown: fault.csv_text(shown, chosen), encodings)
    account = _write_wechat(out, world, last)
    tables = truth.tables(
        world,
        crm,
        [*written.identities, *web.identities, *account.identities],
        [*written.spoiled, *web.spoiled, *account.spoiled],
        last,
    )
    tables |= web.truth
    for file, table in tables.items():
        records.write_parquet(out / file, table)
    counts = {**written.counts, **web.counts, **account.counts}
    counts |= {file: table.num_rows for file, table in tables.items()}
    return SampleWorld(out, sources, last.date(), dict(sorted(counts.items())))


def _check(window: Window, seed: int, companies: int, until: date | None) -> None:
    for name, value, least in (("companies", companies, 1), ("days", window.days, 1), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(
                f"a sample world cannot be made with --{name} {value}",
                field=name,
                expected=f"a whole number of at least {least}",
                found=str(value),
                remedy=f"give a larger --{name}",
            )
    if until is not None and not window.first <= until <= window.end:
        raise ConfigError(
            "the sample world does not reach that day",
            field="until",
            expected=f"a day from {window.first} to {window.end}",
            found=str(until),
            remedy="give another --until, or a longer world with --days and --end",
        )


def _refuse_foreign(out: Path) -> None:
    """Keeps hands off folders that a sample world did not write: what stands in them would be deleted."""
    taken = [folder for folder in _FOLDERS if (out / folder).exists()]
    sources = out / SOURCES_NAME
    ours = sources.is_file() and sources.read_text(encoding="utf-8", errors="replace").startswith(sources_file.MARK)
    if (taken or sources.exists()) and not ours:
        raise ConfigError(
            "the folder for the sample world holds something else",
            file=str(out),
            expected="an empty folder, or one with an earlier sample world",
            found=", ".join([*taken, *([SOURCES_NAME] if sources.exists() else [])]),
            remedy="give another --out",
        )


@dataclass(frozen=True)
class _Channel:
    """What was written of a channel: rows by file, whom its ids stand for, what cannot be read, further truth."""

    counts: dict[str, int]
    identities: list[Identity]
    spoiled: list[Spoiled]
    truth: dict[str, pa.Table]


def _write_website(out: Path, world: World, until: datetime, chosen: frozenset[str]) -> _Channel:
    """Writes the web files, several at a time: Arrow and gzip let go of the interpreter."""
    topics = episodes(world)
    seen = visits(world, topics)
    clean = website.events(world, seen)
    found = website.with_flaws(world, clean)
    for name, change in fault.EVENT_FAULTS.items():
        if name in chosen:
            found = change(world, seen, found)
    found = web_files.received_by(world.window, found, until)
    # a wrong clock changes when something seems to have happened, never when it did
    shown = fault.clock(world, found) if "clock" in chosen else found
    files = web_files.by_month(world.window, shown)
    if "reorder" in chosen:
        files = fault.reorder(world, files)
    writer = web_files.Writer(world)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(records.write_gzip, out / file, writer.lines(rows)) for file, rows in files.items()]
        tables = _web_truth(world, topics, seen, found)
        names = web_files.identities(world, found)
        for done in waiting:
            done.result()
    if "truncate" in chosen:
        fault.truncate(out, list(files))
    counts = {file: len(rows) for file, rows in files.items()}
    return _Channel(counts, names, web_files.spoiled(world.seed, files), tables)


def _web_truth(world: World, topics: list[Episode], seen: Visits, found: Events) -> dict[str, pa.Table]:
    sessions = web_truth.sessions(world, seen, found)
    return {
        "truth/sessions.parquet": sessions,
        "truth/episodes.parquet": web_truth.episode_table(world, topics, sessions),
        "truth/pages.parquet": web_truth.pages(),
    }


def _write_wechat(out: Path, world: World, until: datetime) -> _Channel:
    known = wechat.followers(world)
    account = wechat.wechat(world, known, until)
    counts = {}
    for file, rows in (
        (wechat.FOLLOWERS, account.followers),
        (wechat.TAGS, account.tags),
        (wechat.STATS, account.stats),
    ):
        records.write_lines(out / file, records.jsonl(rows))
        counts[file] = len(rows)
    lines = wechat_pushes.pushes(world, known, until)
    (out / wechat_pushes.FILE).write_bytes(records.joined(lines))
    counts[wechat_pushes.FILE] = len(lines)
    return _Channel(counts, account.identities, account.spoiled, {})
