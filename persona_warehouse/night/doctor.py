"""What is the matter with this home, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version

from persona_warehouse import alarms, memory, publish, warehouse
from persona_warehouse.errors import PersonaError
from persona_warehouse.files import is_held
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS
from persona_warehouse.night import warehouse_care
from persona_warehouse.night.erasure.plan import unfinished
from persona_warehouse.night.runs import recorded
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import SourcesFile, read_sources
from persona_warehouse.sources.load import extracts, window_of

FREE_WANTED = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `level` is ok, note or wrong."""

    level: str
    subject: str
    found: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Looks at everything a night needs and has left."""
    findings = [
        Finding(
            "ok",
            "versions",
            f"Python {platform.python_version()}, duckdb {version('duckdb')}, Airflow {version('apache-airflow')}",
        ),
        _home(settings),
        _disk(settings),
    ]
    sources, finding = _sources(settings)
    findings.append(finding)
    if sources:
        findings += _connections(sources)
        told = {one.found for one in findings}
        findings += [one for one in _entries(settings, sources) if one.found.partition(";")[0] not in told]
    findings += _landing(settings)
    findings += [*_erasures(settings), *_warehouse(settings), *_releases(settings), *_last_night(settings)]
    findings.append(_alarms())
    return findings


def _home(settings: Settings) -> Finding:
    place = settings.home if settings.home.exists() else settings.home.parent
    if not os.access(place, os.W_OK):
        return Finding(
            "wrong", "home", f"{settings.home} cannot be written", "change its owner, or give another --home"
        )
    key = settings.secrets / "hash_key"
    if key.exists() and key.stat().st_mode & 0o077:
        return Finding("wrong", "hash key", f"{key} can be read by others", f"chmod 600 {key}")
    return Finding("ok", "home", str(settings.home) + ("" if settings.home.exists() else " (will be made)"))


def _disk(settings: Settings) -> Finding:
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    words = f"{free / 1024**3:.1f} GB free"
    if free < FREE_WANTED:
        return Finding("note", "disk", words, "free some room, or `persona releases prune --keep 2`")
    return Finding("ok", "disk", words)


def _sources(settings: Settings) -> tuple[SourcesFile | None, Finding]:
    try:
        sources = read_sources(settings.sources_file)
    except PersonaError as error:
        return None, _wrong("sources", error)
    said = ", ".join(f"{stream}: {len(entries)}" for stream, entries in sources.streams.items())
    return sources, Finding("ok", "sources", f"{settings.sources_file} ({said} connectors)")


def _wrong(subject: str, error: PersonaError) -> Finding:
    """An error as a finding: all that it says, and what to do beside it."""
    said = [line.strip() for line in str(error).splitlines() if not line.startswith("  to do:")]
    return Finding("wrong", subject, "; ".join(said), error.remedy or "")


def _connections(sources: SourcesFile) -> list[Finding]:
    from persona_warehouse.connections import get_connection

    findings = []
    names = {str(entry["connection"]) for each in sources.streams.values() for entry in each if entry.get("connection")}
    for name in sorted(names):
        try:
            found = get_connection(name)
            findings.append(Finding("ok", f"connection {name}", f"there, for {found.host or 'the default host'}"))
        except PersonaError as error:
            # the name is in the error, unless it may be a secret
            findings.append(Finding("wrong", "connection", error.problem, error.remedy or ""))
    return findings


def _entries(settings: Settings, sources: SourcesFile) -> list[Finding]:
    """Whether each entry's settings are right and its files can be opened. No API and no database is asked anything."""
    findings = []
    for stream, entries in sources.streams.items():
        for entry in entries:
            subject = f"{stream}/{entry['connector']}"
            try:
                found = list(extracts(entry, stream, settings, window_of(settings)))
                files = [one for one in found if one.fingerprint]
                for one in files:
                    # the first rows: columns and encoding are known by then
                    next(iter(one.batches()), None)
            except PersonaError as error:
                findings.append(_wrong(subject, error))
            else:
                said = f"{len(files)} files can be read" if files else "settings right; it was not asked anything"
                findings.append(Finding("ok", subject, said))
    return findings


def _landing(settings: Settings) -> list[Finding]:
    findings = []
    for stream in STREAMS:
        if not (settings.landing / "_manifests" / stream).exists():
            continue
        try:
            loads = store.manifests(settings, stream)
            damaged = store.damaged_files(settings, stream)
        except PersonaError as error:
            findings.append(Finding("wrong", f"landing {stream}", str(error), error.remedy or ""))
            continue
        if damaged:
            findings.append(
                Finding(
                    "wrong",
                    f"landing {stream}",
                    f"{len(damaged)} files missing or changed: {', '.join(damaged[:3])}",
                    "restore them from a backup; what they brought is still in the warehouse",
                )
            )
        else:
            rows = sum(load.rows for load in loads)
            findings.append(Finding("ok", f"landing {stream}", f"{len(loads)} loads, {rows:,} rows, hashes right"))
    return findings or [Finding("note", "landing", "nothing has landed yet", "run `persona nightly`")]


def _alarms() -> Finding:
    """Whether anybody would be told of a night that fails."""
    try:
        urgent = [route.connection for route in alarms.routes() if route.kind in ("critical", "heartbeat")]
    except PersonaError as error:
        return _wrong("alarms", error)
    missing = [name for name, is_set in alarms.state_of(urgent).items() if not is_set]
    if missing:
        return Finding(
            "note",
            "alarms",
            f"nobody is told through {', '.join(missing)}",
            "set AIRFLOW_CONN_<NAME>, then `persona alarms test`",
        )
    return Finding("ok", "alarms", f"{', '.join(urgent)} are set")


def _erasures(settings: Settings) -> list[Finding]:
    return [
        Finding(
            "wrong",
            "erasure",
            f"{one.erasure_id} was cut off, or left something",
            "`persona erase` ends it; so does the next night",
        )
        for one in unfinished(settings)
        if not is_held(settings.lock("night"))
    ]


def _warehouse(settings: Settings) -> list[Finding]:
    findings = []
    if warehouse_care.is_before_rebuild(settings):
        cut = not is_held(settings.lock("rebuild"))
        findings.append(
            Finding(
                "note",
                "warehouse",
                "a rebuild was cut off" if cut else "a rebuild is under way",
                "the next night takes the warehouse before it; or `persona rebuild`" if cut else "wait for it to end",
            )
        )
    aside = warehouse_care.damaged_files(settings)
    if aside:
        findings.append(
            Finding(
                "note",
                "warehouse",
                f"was damaged and is built again; set aside: {', '.join(path.name for path in aside)}",
                f"look at the disk, then remove them from {settings.warehouse_file.parent}",
            )
        )
    if not settings.warehouse_file.exists():
        said = "lost; ids and history are remembered" if memory.is_there(settings) else "not built yet"
        return [*findings, Finding("note", "warehouse", said, "run `persona nightly`")]
    try:
        damage = warehouse_care.damage_in_content(settings)
        if damage:
            remedy = "run the night again: it sets the file aside and builds from landing and memory"
            return [*findings, Finding("wrong", "warehouse", f"damaged: {damage}", remedy)]
        with warehouse.connect(settings.warehouse_file, read_only=True) as connection:
            row = connection.execute("select count(*) from duckdb_tables() where schema_name = 'marts'").fetchone()
    except PersonaError as error:
        return [*findings, Finding("wrong", "warehouse", error.found or error.problem, error.remedy or "")]
    size = settings.warehouse_file.stat().st_size / 1024**2
    return [*findings, Finding("ok", "warehouse", f"{row[0] if row else 0} marts, {size:.0f} MB")]


def _releases(settings: Settings) -> list[Finding]:
    kept = publish.releases(settings)
    current = publish.current_release(settings)
    if not kept:
        return [Finding("note", "releases", "nothing published yet", "run `persona nightly`")]
    if current is None:
        return [
            Finding("wrong", "releases", "`current` points nowhere", f"persona releases rollback {kept[-1].release_id}")
        ]
    wrong = publish.verify(current)
    if wrong:
        return [
            Finding("wrong", "releases", f"the current release was changed: {wrong[0]}", "persona releases rollback")
        ]
    findings = [
        Finding(
            "ok",
            "releases",
            f"{len(kept)} kept, current {current.release_id}, files right",
        )
    ]
    if current.release_id != kept[-1].release_id:
        findings.append(
            Finding(
                "note",
                "releases",
                f"rolled back: {kept[-1].release_id} is newer",
                f"persona releases rollback {kept[-1].release_id}",
            )
        )
    if list(settings.releases.glob(f"{publish.CANDIDATE}*")):
        findings.append(
            Finding(
                "note",
                "releases",
                "a publication was cut off or is under way",
                "the next night removes what is left of it",
            )
        )
    return findings


def _last_night(settings: Settings) -> list[Finding]:
    nights = sorted(path.name for path in (settings.home / "runs").glob("*") if path.is_dir())
    if not nights:
        return []
    from datetime import date

    steps = recorded(settings.with_date(date.fromisoformat(nights[-1])))
    failed = [run for run in steps if run.status == "failed"]
    cut = [run for run in steps if run.status == "running"]
    if failed:
        return [
            Finding(
                "note",
                f"night of {nights[-1]}",
                f"{run.dag}.{run.task} failed: {run.message}",
                "mend it and run the night again",
            )
            for run in failed
        ]
    if cut:
        return [
            Finding(
                "note",
                f"night of {nights[-1]}",
                f"{cut[0].dag}.{cut[0].task} is under way or was cut off",
                "if nothing runs, run the night again",
            )
        ]
    return [Finding("ok", f"night of {nights[-1]}", f"{len(steps)} steps done")]
