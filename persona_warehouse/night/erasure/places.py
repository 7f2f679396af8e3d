"""Everything else that a home holds: received events, decisions, logs, audits, Airflow's own, working folders."""

from __future__ import annotations

import csv
import fcntl
import io
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from persona_warehouse.files import write_atomically
from persona_warehouse.identity.overrides import home_file
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.erasing import Erasing, Patterns, give
from persona_warehouse.night import warehouse_care
from persona_warehouse.night.erasure import metadata
from persona_warehouse.night.erasure.plan import Plan
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import read_sources
from persona_warehouse.sources.load import extracts, window_of
from persona_warehouse.sources.receiver.segments import received_folder
from persona_warehouse.warehouse import scratch

FOLDERS = ("alarms", "audits", "logs", "runs", "airflow", "quotas")
# what dbt and dlt keep between runs is made again, and may hold anything
WORKING = ("dlt", "dbt_target")


def erase(settings: Settings, plan: Plan) -> dict[str, int]:
    """Clears all of them; returns counts by place."""
    counts = {
        "received: events removed": _received(settings, plan),
        "decisions removed": _decisions(settings, plan),
        "damaged warehouses removed": len(warehouse_care.damaged_files(settings)),
    }
    for path in warehouse_care.damaged_files(settings):
        path.unlink()
    warehouse_care.drop(settings, aside=True)
    patterns = Patterns.of(plan.people)
    for name in FOLDERS:
        cleared = 0
        for path in _files(settings.home / name):
            cleared += _clear(path, patterns)
        counts[f"{name}: files cleared"] = cleared
    counts["Airflow's database: texts cleared"] = metadata.clear(settings, patterns)
    for name in WORKING:
        shutil.rmtree(settings.home / name, ignore_errors=True)
    return {place: number for place, number in counts.items() if number}


def search(settings: Settings, plan: Plan) -> int:
    """How many files of these folders, and texts of Airflow's database elsewhere, still hold them."""
    patterns = Patterns.of(plan.people)
    files = (path for name in FOLDERS for path in _files(settings.home / name))
    held = sum(patterns.clear(text) != text for text in (_text(path) for path in files))
    return held + metadata.search(settings, patterns)


def open_segments(settings: Settings, plan: Plan) -> int:
    """Segments that the receiver is still writing and that hold events of theirs."""
    return sum(
        _is_open(path) and _without(path.read_bytes(), plan)[1] > 0
        for path in received_folder(settings).glob("events-*.jsonl")
    )


def _received(settings: Settings, plan: Plan) -> int:
    removed = 0
    for path in sorted(received_folder(settings).glob("events-*.jsonl")):
        if _is_open(path):
            continue
        kept, gone = _without(path.read_bytes(), plan)
        if gone:
            write_atomically(path, kept, mode=0o640)
            removed += gone
    return removed


def _is_open(path: Path) -> bool:
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _without(content: bytes, plan: Plan) -> tuple[bytes, int]:
    openids = {one.encode() for kind in ("openid", "unionid") for one in plan.people.identifiers.get(kind, ())}
    lines = content.splitlines(keepends=True)
    # an id stands between quotation marks; a torn line may lack the second one
    kept = [line for line in lines if not any(b'"' + one in line for one in openids)]
    return b"".join(kept), len(lines) - len(kept)


def _decisions(settings: Settings, plan: Plan) -> int:
    path = home_file(settings)
    if not path.is_file():
        return 0
    header, *rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    theirs = {*plan.nodes, *plan.contact_ids}
    kept = [row for row in rows if not theirs & set(row)]
    if len(kept) < len(rows):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *kept])
        write_atomically(path, text.getvalue())
    return len(rows) - len(kept)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _clear(path: Path, patterns: Patterns) -> bool:
    """Clears one file; whether there was anything to clear."""
    text = _text(path)
    cleared = patterns.clear(text)
    if cleared == text:
        return False
    if text.startswith("SQLite format 3"):
        _clear_sqlite(path, patterns)
    else:
        write_atomically(path, cleared.encode("utf-8", "surrogateescape"), mode=path.stat().st_mode & 0o777)
    return True


def _text(path: Path) -> str:
    """Any bytes as text, and back again."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _clear_sqlite(path: Path, patterns: Patterns) -> None:
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        connection.create_function("cleared", 1, lambda text: patterns.clear(text))
        connection.execute("pragma secure_delete = on")
        tables = [
            row[0] for row in connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        ]
        for table in tables:
            named = '"' + table.replace('"', '""') + '"'
            columns = [row[1] for row in connection.execute(f"pragma table_info({named})").fetchall()]
            for column in ('"' + one.replace('"', '""') + '"' for one in columns):
                connection.execute(
                    f"update {named} set {column} = cleared({column})"
                    f" where typeof({column}) = 'text' and cleared({column}) <> {column}"
                )
        connection.commit()
        connection.execute("vacuum")


def sources_left(settings: Settings, plan: Plan) -> list[str]:
    """Where the sources still hold them, one line a place: files are read, what is no file is named."""
    try:
        sources = read_sources(settings.sources_file)
    except Exception:
        return [f"{settings.sources_file}: cannot be read; look there yourself"]
    said = []
    for stream, entries in sources.streams.items():
        for entry in entries:
            if entry["connector"] == "received":
                continue
            where = f"{stream}/{entry['connector']}"
            try:
                found = list(extracts(entry, stream, settings, window_of(settings)))
                files = [one for one in found if one.fingerprint]
                if not files:
                    at = entry.get("connection") or entry.get("path") or "its service"
                    said.append(f"{where}: was not asked; delete them in {at} too")
                for one in files:
                    rows = 0
                    with scratch() as connection:
                        give(connection, plan.people)
                        for batch in one.batches():
                            erasing = Erasing(contract(stream, one.object), plan.people, tuple(batch.schema.names))
                            connection.register("batch", batch)
                            ((number,),) = connection.execute(
                                f"select count(*) from batch where {erasing.goes} or {erasing.changes}"
                            ).fetchall()
                            connection.unregister("batch")
                            rows += number
                    if rows:
                        said.append(f"{where}: {one.origin} holds {rows:,} rows of theirs")
            except Exception as error:
                said.append(f"{where}: could not be read ({type(error).__name__}); look there yourself")
    return said
