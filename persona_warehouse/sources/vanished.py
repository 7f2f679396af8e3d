"""Rows that are no longer in their source: the keys of now against those that landed before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import pyarrow as pa

from persona_warehouse.errors import SourceFault
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.typing import SQL_TYPES
from persona_warehouse.settings import Settings
from persona_warehouse.sources.reading.tables import batches_of
from persona_warehouse.warehouse import identifier, insert, literal, scratch

# of fewer rows than this any number may go at once
FEW = 20


def vanished_batches(
    present: Callable[[], pa.RecordBatchReader],
    contract: ObjectContract,
    origins: Collection[str],
    settings: Settings,
    limit: float,
    *,
    source: str,
) -> Iterator[pa.RecordBatch]:
    """Landing rows of what was alive in earlier loads of these origins and is not there any more.

    Such a row holds its key, is_deleted, and of its last version what is required and the times by which versions are
    told apart, which lets it take that version's place.

    Args:
        present: gives the keys of now, in the order of the contract's key; called when anything landed before.
        origins: of the rows that the keys of now may lack.
        limit: share of the live rows above which that many deletions are not believed.
        source: for messages.

    Raises:
        SourceFault: more than `limit` of the live rows are gone.
    """
    landed = [
        (str(settings.landing / contract.stream / file.path), number)
        for number, load in enumerate(store.manifests(settings, contract.stream))
        if any(one.landed and one.object == contract.name and one.origin in origins for one in load.origins)
        for file in load.files
        if file.object == contract.name
    ]
    if not landed:
        return
    with scratch() as connection:
        connection.register("current", present())
        named = ", ".join(identifier(name) for name in contract.key)
        trimmed = ", ".join(f"trim(cast({identifier(name)} as varchar)) as {identifier(name)}" for name in contract.key)
        connection.execute(f"create table present as select {trimmed} from (select * from current) as now({named})")
        connection.execute("create table loads (filename varchar, number integer)")
        insert(connection, "loads", landed)
        # a column that is newer than all these files is in the object's empty one
        shape = str(settings.landing / contract.stream / contract.name / "_schema.parquet")
        paths = ", ".join(literal(path) for path in [shape, *(path for path, _ in landed)])
        order = "updated_at desc nulls last, " if "updated_at" in contract.columns else ""
        connection.execute(f"""
            create table alive as
            select * from (
                select *, row_number() over (partition by {named} order by {order}number desc, source_row desc) as place
                from read_parquet([{paths}], filename = true, union_by_name = true)
                join loads using (filename)
                where source_file in ({", ".join(map(literal, origins))}) and row_errors is null
            )
            where place = 1 and not coalesce(is_deleted, false)""")
        gone = f"from alive anti join present using ({named})"
        ((known, missing),) = connection.execute(
            f"select (select count(*) from alive), (select count(*) {gone})"
        ).fetchall()
        if known >= FEW and missing > limit * known:
            raise SourceFault(
                f"most of {', '.join(sorted(origins))[:200]} has vanished",
                source=source,
                object=contract.name,
                expected=f"at most {limit:.0%} of {known:,} rows gone since the last load",
                found=f"{missing:,} gone",
                remedy="see whether it was restored or exported half way; if they are deleted, raise `deletion_limit:`",
            )
        kept = {*contract.key, *contract.required, "updated_at", "received_at"}
        values = ", ".join(
            "true as is_deleted"
            if name == "is_deleted"
            else f"{identifier(name) if name in kept else f'cast(null as {SQL_TYPES[column.type]})'}"
            f" as {identifier(name)}"
            for name, column in contract.columns.items()
        )
        nothing = ", ".join(f"cast(null as varchar) as {name}" for name in ("row_errors", "raw_row"))
        yield from batches_of(
            connection,
            f"select {values}, cast(null as varchar) as properties, source_file, source_row, {nothing} {gone}"
            f" order by {named}",
        )
