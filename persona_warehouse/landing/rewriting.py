"""Landed files written anew without some of their rows: the one way in which a landing zone is ever changed.

A load's new files stand beside the old ones until its manifest is replaced; then the old ones go. A tombstone
(landing/_erasures/<id>.json) holds counts and hashes before and after, and nothing of the rows. Cut off anywhere, it is
given again: what was left half way is swept away, what was done is not done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from persona_warehouse.errors import PersonaError
from persona_warehouse.files import fsync_path, read_json, sha256_of, write_json
from persona_warehouse.landing import store
from persona_warehouse.landing.store import LandedFile, Manifest
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import literal, scratch

BATCH = 100_000


@dataclass(frozen=True)
class Hit:
    """A landed file that is to be changed: rows that go, and rows that something is cut out of."""

    stream: str
    file: LandedFile
    gone: int
    cut: int


@dataclass(frozen=True)
class Rewriting:
    """How files are written anew.

    Attributes:
        id: of what is done, in the new names and the tombstone; its last eight signs tell it from others.
        prepare: readies a connection for the query.
        query: SQL of what stays, given stream, object, the relation that reads the file and its columns.
    """

    id: str
    prepare: Callable[[duckdb.DuckDBPyConnection], None]
    query: Callable[[str, str, str, tuple[str, ...]], str]


def rewrite(settings: Settings, rewriting: Rewriting, stream: str, hits: list[Hit]) -> None:
    """Writes the files of a stream anew that are hit; the caller holds the stream (`store.alone`).

    Raises:
        PersonaError: a file does not hold what its manifest says.
    """
    for load in store.manifests(settings, stream):
        mine = {hit.file.path: hit for hit in hits if hit.file in load.files}
        if mine:
            _rewrite_load(settings, rewriting, load, mine)


def _rewrite_load(settings: Settings, rewriting: Rewriting, load: Manifest, hits: Mapping[str, Hit]) -> None:
    root = settings.landing / load.stream
    files = [_rewrite(root, rewriting, load.stream, hits[one.path]) if one.path in hits else one for one in load.files]
    _bury(settings, rewriting.id, load, files)
    store.write_manifest(settings, replace(load, files=files, erasures=[*load.erasures, rewriting.id]))
    for path in hits:
        (root / path).unlink()
        fsync_path((root / path).parent)


def _rewrite(root: Path, rewriting: Rewriting, stream: str, hit: Hit) -> LandedFile:
    before = root / hit.file.path
    load_id, _, rest = before.name.removesuffix(".parquet").rpartition(".")
    # the load's id stays at the front of the name: models read it there
    after = before.with_name(f"{load_id}.{rest.split('-')[0]}-{rewriting.id[-8:]}.parquet")
    schema = pq.read_schema(before)
    temporary = after.with_name(f".{after.name}.tmp")
    rows = errors = 0
    with scratch() as connection:
        rewriting.prepare(connection)
        relation = f"read_parquet({literal(before)}, hive_partitioning = false)"
        query = rewriting.query(stream, hit.file.object, relation, tuple(schema.names))
        reader = connection.execute(query).to_arrow_reader(BATCH)
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


def _bury(settings: Settings, rewriting_id: str, load: Manifest, files: list[LandedFile]) -> None:
    """Adds a load's files to the tombstone, before the load's manifest forgets what they were."""
    path = tombstone(settings, rewriting_id)
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
    write_json(path, {"id": rewriting_id, "files": [*kept, *fresh]})


def tombstone(settings: Settings, rewriting_id: str) -> Path:
    """Where it is said which files were rewritten."""
    return settings.landing / "_erasures" / f"{rewriting_id}.json"
