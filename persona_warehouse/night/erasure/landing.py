"""The landing zone without people: files that held them are written anew, and a tombstone says which.

A load's new files stand beside the old ones until its manifest is replaced; then the old ones go. A tombstone
(landing/_erasures/<id>.json) holds counts and hashes before and after, and nothing of the people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from persona_warehouse.errors import PersonaError
from persona_warehouse.files import fsync_path, read_json, sha256_of, write_json
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS, contract, objects
from persona_warehouse.landing.erasing import Erasing, People, give
from persona_warehouse.landing.store import LandedFile, Manifest
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import literal, scratch

BATCH = 100_000


@dataclass(frozen=True)
class Hit:
    """A landed file that holds something of them: rows that go, and rows that something is cut out of."""

    stream: str
    file: LandedFile
    gone: int
    cut: int


def search(settings: Settings, people: People, streams: Iterable[str] = STREAMS) -> list[Hit]:
    """Every landed file that holds something of them."""
    hits: list[Hit] = []
    with scratch() as connection:
        give(connection, people)
        for stream in streams:
            landed = {
                str(settings.landing / stream / file.path): file
                for load in store.manifests(settings, stream)
                for file in load.files
                if (settings.landing / stream / file.path).exists()
            }
            for name in objects(stream):
                paths = [path for path, file in landed.items() if file.object == name]
                for path, gone, cut in _counts(connection, settings, stream, name, paths, people):
                    hits.append(Hit(stream, landed[path], gone, cut))
    return hits


def _counts(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    stream: str,
    name: str,
    paths: list[str],
    people: People,
) -> list[tuple[str, int, int]]:
    if not paths:
        return []
    # a column that is newer than all these files is in the object's empty one
    shape = settings.landing / stream / name / "_schema.parquet"
    relation = (
        f"read_parquet([{', '.join(map(literal, [str(shape), *paths]))}], filename = true, union_by_name = true,"
        " hive_partitioning = false)"
    )
    erasing = Erasing(contract(stream, name), people, tuple(pq.read_schema(shape).names))
    return connection.execute(
        f"""select filename, gone, cut from (
                select filename, count(*) filter (goes) as gone, count(*) filter (not goes and changes) as cut
                from (select filename, {erasing.goes} as goes, {erasing.changes} as changes from {relation})
                group by filename
            ) where gone + cut > 0 order by filename"""
    ).fetchall()


def erase(settings: Settings, erasure_id: str, people: People) -> dict[str, int]:
    """Writes the files that hold something of them anew; returns counts by place.

    Raises:
        PersonaError: a load of a stream is under way, or a file could not be read.
    """
    counts: dict[str, int] = {}
    for stream in STREAMS:
        with store.alone(settings, stream):
            # what an earlier try left half way
            store.sweep(settings, stream)
            hits = search(settings, people, [stream])
            for load in store.manifests(settings, stream):
                mine = {hit.file.path: hit for hit in hits if hit.file in load.files}
                if mine:
                    _rewrite_load(settings, erasure_id, people, load, mine)
            for hit in hits:
                place = f"landing {stream}.{hit.file.object}"
                counts[f"{place}: rows removed"] = counts.get(f"{place}: rows removed", 0) + hit.gone
                counts[f"{place}: rows cleared"] = counts.get(f"{place}: rows cleared", 0) + hit.cut
    return {place: number for place, number in counts.items() if number}


def _rewrite_load(settings: Settings, erasure_id: str, people: People, load: Manifest, hits: Mapping[str, Hit]) -> None:
    root = settings.landing / load.stream
    files = [
        _rewrite(root, erasure_id, people, load.stream, hits[one.path]) if one.path in hits else one
        for one in load.files
    ]
    _bury(settings, erasure_id, load, files)
    store.write_manifest(settings, replace(load, files=files, erasures=[*load.erasures, erasure_id]))
    for path in hits:
        (root / path).unlink()
        fsync_path((root / path).parent)


def _rewrite(root: Path, erasure_id: str, people: People, stream: str, hit: Hit) -> LandedFile:
    before = root / hit.file.path
    load_id, _, rest = before.name.removesuffix(".parquet").rpartition(".")
    # the load's id stays at the front of the name: models read it there
    after = before.with_name(f"{load_id}.{rest.split('-')[0]}-{erasure_id[-8:]}.parquet")
    schema = pq.read_schema(before)
    erasing = Erasing(contract(stream, hit.file.object), people, tuple(schema.names))
    temporary = after.with_name(f".{after.name}.tmp")
    rows = errors = 0
    with scratch() as connection:
        give(connection, people)
        relation = f"read_parquet({literal(before)}, hive_partitioning = false)"
        reader = connection.execute(erasing.select(relation)).to_arrow_reader(BATCH)
        with pq.ParquetWriter(temporary, schema, compression="snappy") as writer:
            for batch in reader:
                table = pa.Table.from_batches([batch]).cast(schema)
                rows += table.num_rows
                errors += table.num_rows - table.column("row_errors").null_count
                writer.write_table(table)
    if rows != hit.file.rows - hit.gone:
        temporary.unlink()
        raise PersonaError(
            "a landed file does not hold what its manifest says",
            source=stream,
            object=hit.file.object,
            file=str(before),
            expected=f"{hit.file.rows - hit.gone} rows to stay",
            found=str(rows),
            remedy="restore the file from a backup, then give the command again",
        )
    fsync_path(temporary)
    temporary.replace(after)
    fsync_path(after.parent)
    return LandedFile(
        hit.file.object, str(after.relative_to(root)), rows, errors, after.stat().st_size, sha256_of(after)
    )


def _bury(settings: Settings, erasure_id: str, load: Manifest, files: list[LandedFile]) -> None:
    """Adds a load's files to the tombstone, before the load's manifest forgets what they were."""
    path = tombstone(settings, erasure_id)
    entries = read_json(path)["files"] if path.exists() else []
    fresh = [
        {
            "stream": load.stream,
            "load_id": load.load_id,
            "object": was.object,
            "rows_before": was.rows,
            "rows_after": is_.rows,
            "sha256_before": was.sha256,
            "sha256_after": is_.sha256,
        }
        for was, is_ in zip(load.files, files, strict=True)
        if was != is_
    ]
    known = {one["sha256_before"] for one in fresh}
    kept = [one for one in entries if one["sha256_before"] not in known]
    write_json(path, {"erasure_id": erasure_id, "files": [*kept, *fresh]})


def tombstone(settings: Settings, erasure_id: str) -> Path:
    """Where an erasure says which files it rewrote."""
    return settings.landing / "_erasures" / f"{erasure_id}.json"
