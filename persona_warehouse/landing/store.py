"""The landing zone on disk: committed loads, their manifests, and what is left of loads that never ended.

A load is committed by its manifest. Files without one are the remains of a run that was killed: nobody reads them, and
the next load sweeps them away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from persona_warehouse import files
from persona_warehouse.errors import PersonaError
from persona_warehouse.files import read_json, sha256_of, write_atomically, write_json
from persona_warehouse.landing.contract import STREAMS, landing_schema, objects
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import literal, scratch

NO_LOAD = "0"
# an address, or a mobile number by itself
PERSONAL_NAME = re.compile(r"@|＠|(?<![0-9])1[3-9][0-9]{9}(?![0-9])")


@dataclass(frozen=True)
class LandedFile:
    """A Parquet file of a load; `path` is relative to the stream's folder."""

    object: str
    path: str
    rows: int
    rows_in_error: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Origin:
    """Where rows of a load came from. `landed` is false when nothing had changed since an earlier load."""

    connector: str
    object: str
    origin: str
    fingerprint: str | None
    landed: bool


@dataclass(frozen=True)
class NewColumn:
    """A column that a source began to deliver: `since` is the business date of the load that first brought it."""

    stream: str
    object: str
    name: str
    since: str
    load_id: str


@dataclass(frozen=True)
class Manifest:
    """What one load brought: written last, it makes the load count.

    Attributes:
        load_id: sortable; "0" stands for no load at all.
        business_date: of the night that loaded.
        window: start and end of the data interval, ISO 8601, UTC.
        cursors: connector/object -> how far the load read the source.
        leftovers: object -> the names that its rows hold in `properties`: columns that nothing maps.
        suppressed: rows that were not landed because they are of people who were erased.
        erasures: which erasures, and applications of retention, have rewritten files of this load (landing/_erasures/).
    """

    load_id: str
    stream: str
    business_date: str
    window: tuple[str, str]
    finished_at: str
    origins: list[Origin] = field(default_factory=list)
    files: list[LandedFile] = field(default_factory=list)
    cursors: dict[str, dict[str, Any]] = field(default_factory=dict)
    leftovers: dict[str, list[str]] = field(default_factory=dict)
    suppressed: int = 0
    erasures: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


def prepare(settings: Settings) -> None:
    """Makes every object readable before its first load: an empty typed file each, and a manifest of no load."""
    for stream in STREAMS:
        for name in objects(stream):
            schema_file = settings.landing / stream / name / "_schema.parquet"
            wanted = landing_schema(stream, name)
            if _schema_of(schema_file) != wanted:
                # three loads start at the same time: none may meet a file that another is half through writing
                content = pa.BufferOutputStream()
                pq.write_table(wanted.empty_table(), content)
                write_atomically(schema_file, content.getvalue().to_pybytes())
        # dlt takes a folder for its own only when it finds this file, in the second version of its layout
        init = settings.landing / stream / "init"
        if not init.exists():
            write_json(init, {"initial_version": 2, "current_version": 2})
        baseline = _manifest_path(settings, stream, NO_LOAD)
        if not baseline.exists():
            write_manifest(settings, Manifest(NO_LOAD, stream, "1970-01-01", ("", ""), ""))


def _schema_of(path: Path) -> pa.Schema | None:
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return None


def write_manifest(settings: Settings, manifest: Manifest) -> None:
    """Commits a load."""
    write_json(_manifest_path(settings, manifest.stream, manifest.load_id), asdict(manifest))


def manifests(settings: Settings, stream: str) -> list[Manifest]:
    """The committed loads of a stream, oldest first, without the baseline.

    Raises:
        PersonaError: a manifest cannot be read.
    """
    found = []
    for path in sorted((settings.landing / "_manifests" / stream).glob("*.json")):
        try:
            found.append(_manifest(read_json(path)))
        except (ValueError, TypeError, KeyError) as error:
            raise PersonaError(
                "a load's manifest cannot be read",
                source=stream,
                file=str(path),
                expected="a manifest as the load wrote it",
                found=f"{type(error).__name__}: {error}",
                remedy="restore the file from a backup, or remove it to have its load forgotten and loaded again",
            ) from error
    return sorted((m for m in found if m.load_id != NO_LOAD), key=lambda m: float(m.load_id))


def last_fingerprints(settings: Settings, stream: str) -> dict[tuple[str, str], str | None]:
    """(object, origin) -> the fingerprint it had when it was last landed; none under `force`."""
    loads = [] if settings.force else manifests(settings, stream)
    return {
        (origin.object, origin.origin): origin.fingerprint
        for manifest in loads
        for origin in manifest.origins
        if origin.landed
    }


def last_cursor(settings: Settings, stream: str, key: str) -> dict[str, Any] | None:
    """How far the newest committed load read a source; `key` is connector/object. None: never, or under `force`."""
    loads = [] if settings.force else manifests(settings, stream)
    found = (load.cursors[key] for load in reversed(loads) if key in load.cursors)
    return next(found, None)


def in_order(settings: Settings, stream: str, load_id: str) -> str:
    """The id under which a load counts: its own, or one right after the newest load's where the clock went back.

    Models take the loads above those that they have; one below would never be taken. Its files are renamed.
    """
    newest = max((load.load_id for load in manifests(settings, stream)), key=float, default=NO_LOAD)
    if float(load_id) > float(newest):
        return load_id
    later = f"{float(newest) + 2e-6:.6f}"
    for path in (settings.landing / stream).glob(f"*/load_date=*/{load_id}.*.parquet"):
        path.rename(path.with_name(later + path.name.removeprefix(load_id)))
    return later


def describe_files(settings: Settings, stream: str, load_id: str) -> list[LandedFile]:
    """The Parquet files that a load left, with rows and hashes."""
    root = settings.landing / stream
    found = []
    for path in sorted(root.glob(f"*/load_date=*/{load_id}.*.parquet")):
        errors = pq.read_table(path, columns=["row_errors"]).column("row_errors")
        found.append(
            LandedFile(
                object=path.relative_to(root).parts[0],
                path=str(path.relative_to(root)),
                rows=len(errors),
                rows_in_error=len(errors) - errors.null_count,
                bytes=path.stat().st_size,
                sha256=sha256_of(path),
            )
        )
    return found


def leftovers_of(settings: Settings, stream: str, files: list[LandedFile]) -> dict[str, list[str]]:
    """Object -> the names in the `properties` of its landed rows, sorted.

    Names are told in reports, so one that holds an address or a number of a person (a source that keys by them) is not.
    """
    paths: dict[str, list[str]] = {}
    for file in files:
        paths.setdefault(file.object, []).append(literal(settings.landing / stream / file.path))
    with scratch() as connection:
        return {
            name: [
                found
                for (found,) in connection.execute(
                    f"""select distinct unnest(json_keys(properties)) as name
                        from read_parquet([{", ".join(of)}]) where json_valid(properties) order by name"""
                ).fetchall()
                if not PERSONAL_NAME.search(found)
            ]
            for name, of in paths.items()
        }


def new_columns(settings: Settings, stream: str) -> list[NewColumn]:
    """Columns that no mapping takes and that came after their object's first load, in the order in which they came."""
    found: list[NewColumn] = []
    known: dict[str, set[str]] = {}
    for load in manifests(settings, stream):
        for name, columns in load.leftovers.items():
            if name in known:
                added = [column for column in columns if column not in known[name]]
                found += [NewColumn(stream, name, column, load.business_date, load.load_id) for column in added]
            known.setdefault(name, set()).update(columns)
    return found


@contextmanager
def alone(settings: Settings, stream: str) -> Iterator[None]:
    """Keeps other loads of a stream out: each sweeps away what it takes for the remains of one that was killed.

    Raises:
        PersonaError: another load, or what rewrites landed files, is under way.
    """
    with files.alone(
        settings.lock(stream),
        f"the landing zone of {stream} is in use by another process",
        "wait for the other night to end, then run this one again",
    ):
        yield


def sweep(settings: Settings, stream: str) -> list[Path]:
    """Removes the files of loads that were never committed, and returns them."""
    root = settings.landing / stream
    committed = {file.path for manifest in manifests(settings, stream) for file in manifest.files}
    orphans = [p for p in root.glob("*/load_date=*/*.parquet") if str(p.relative_to(root)) not in committed]
    # of a rewriting that was killed
    orphans += root.glob("*/load_date=*/.*.parquet.tmp")
    for path in orphans:
        path.unlink()
    return orphans


def damaged_files(settings: Settings, stream: str) -> list[str]:
    """Landed files that are missing or no longer have the hash of their manifest."""
    root = settings.landing / stream
    return [
        file.path
        for manifest in manifests(settings, stream)
        for file in manifest.files
        if not (root / file.path).exists() or sha256_of(root / file.path) != file.sha256
    ]


def empty_batch(stream: str, name: str) -> pa.Table:
    """No rows, in the landing shape."""
    return landing_schema(stream, name).empty_table()


def _manifest_path(settings: Settings, stream: str, load_id: str) -> Path:
    return settings.landing / "_manifests" / stream / f"{load_id}.json"


def _manifest(value: dict[str, Any]) -> Manifest:
    float(value["load_id"])  # manifests are sorted by it
    return Manifest(
        **{
            **value,
            "window": tuple(value["window"]),
            "origins": [Origin(**origin) for origin in value["origins"]],
            "files": [LandedFile(**file) for file in value["files"]],
        }
    )
