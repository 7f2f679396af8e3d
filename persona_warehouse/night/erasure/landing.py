"""The landing zone without people: what there is of them, and files written anew without it."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow.parquet as pq

from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS, contract, objects
from persona_warehouse.landing.erasing import Erasing, People, give
from persona_warehouse.landing.rewriting import Hit, Rewriting, rewrite
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import literal, scratch


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
    rewriting = Rewriting(
        erasure_id,
        lambda connection: give(connection, people),
        lambda stream, name, relation, columns: Erasing(contract(stream, name), people, columns).select(relation),
    )
    for stream in STREAMS:
        with store.alone(settings, stream):
            # what an earlier try left half way
            store.sweep(settings, stream)
            hits = search(settings, people, [stream])
            rewrite(settings, rewriting, stream, hits)
            for hit in hits:
                place = f"landing {stream}.{hit.file.object}"
                counts[f"{place}: rows removed"] = counts.get(f"{place}: rows removed", 0) + hit.gone
                counts[f"{place}: rows cleared"] = counts.get(f"{place}: rows cleared", 0) + hit.cut
    return {place: number for place, number in counts.items() if number}
