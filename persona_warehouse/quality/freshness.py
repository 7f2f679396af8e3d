"""How fresh each stream is, and what quarantine holds: the tables beside the marts that say how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import duckdb

from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import insert

# the columns that tell up to when a stream's data reach
MOMENTS = (
    "occurred_at", "updated_at", "closed_at", "entered_at", "created_at", "subscribed_at",
    "opened_at", "issued_at", "paid_at", "responded_at", "interviewed_at", "referred_at",
)  # fmt: skip

STAGED = "select count(*) as held from staging.stg_{stream}__{name}"
QUARANTINED = "select count(distinct (source_file, source_row, raw_row)) as held from quarantine.{stream}__{name}"


@dataclass(frozen=True)
class Freshness:
    """One stream on the night's date.

    Attributes:
        status: fresh (looked at for this date), stale (last looked at earlier), failed (this night), absent (never).
        last_load_date: business date of the last load that was committed.
        data_through: latest moment in the data, up to the end of the night's date (open deals close in the future).
        rows_landed: rows that the warehouse holds, in staging or in quarantine; what landed again counts once.
        rows_quarantined: those in quarantine.
        message: why it failed.
    """

    stream: str
    status: str
    last_load_date: date | None
    data_through: datetime | None
    rows_landed: int
    rows_quarantined: int
    message: str


def freshness(settings: Settings, connection: duckdb.DuckDBPyConnection, failures: dict[str, str]) -> list[Freshness]:
    """The freshness of every stream.

    Args:
        connection: on the working database.
        failures: stream -> why its ingest failed this night.
    """
    found = []
    for stream in STREAMS:
        loads = store.manifests(settings, stream)
        quarantined = _count(connection, stream, QUARANTINED)
        last = max((date.fromisoformat(load.business_date) for load in loads), default=None)
        status = (
            "failed" if stream in failures
            else "absent" if last is None
            else "fresh" if last >= settings.business_date
            else "stale"
        )  # fmt: skip
        found.append(
            Freshness(
                stream=stream,
                status=status,
                last_load_date=last,
                data_through=_data_through(settings, connection, stream),
                rows_landed=_count(connection, stream, STAGED) + quarantined,
                rows_quarantined=quarantined,
                message=failures.get(stream, ""),
            )
        )
    return found


def _count(connection: duckdb.DuckDBPyConnection, stream: str, query: str) -> int:
    parts = (query.format(stream=stream, name=name) for name in objects(stream))
    row = connection.execute(f"select sum(held) from ({' union all '.join(parts)})").fetchone()
    return int(row[0]) if row and row[0] else 0


def _data_through(settings: Settings, connection: duckdb.DuckDBPyConnection, stream: str) -> datetime | None:
    end = datetime.combine(settings.business_date + timedelta(days=1), time.min, settings.zone)
    parts = [
        f"select max({column}) as moment from staging.stg_{stream}__{name} where {column} < $end"
        for name, shape in objects(stream).items()
        for column in shape.columns
        if column in MOMENTS
    ]
    row = connection.execute(f"select max(moment) from ({' union all '.join(parts)})", {"end": end}).fetchone()
    return row[0] if row else None


def write_freshness(connection: duckdb.DuckDBPyConnection, streams: list[Freshness]) -> None:
    """Writes quality.source_freshness anew. One row per stream."""
    connection.execute(
        """create or replace table quality.source_freshness (stream varchar, status varchar, last_load_date date,
           data_through timestamptz, rows_landed bigint, rows_quarantined bigint, message varchar)"""
    )
    insert(connection, "quality.source_freshness", [tuple(vars(one).values()) for one in streams])


def write_new_columns(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Writes quality.new_columns anew: columns that no mapping takes and that came after their object's first load.

    What they hold is in the rows' `properties`. One row per column.
    """
    connection.execute(
        "create or replace table quality.new_columns (stream varchar, object varchar, column_name varchar, since date)"
    )
    found = [
        (one.stream, one.object, one.name, one.since)
        for stream in STREAMS
        for one in store.new_columns(settings, stream)
    ]
    insert(connection, "quality.new_columns", found)


def write_quarantined_rows(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Writes quality.quarantined_rows anew from the quarantine tables of the attached database `source`.

    Counts and reasons only: neither values nor raw rows. One row per object, file, rule and field.
    """
    tables = [(stream, name) for stream in STREAMS for name in objects(stream)]
    union = " union all ".join(f"select * from {source}.quarantine.{stream}__{name}" for stream, name in tables)
    connection.execute(f"""
    create or replace table quality.quarantined_rows as
    select stream, object, source_file, rule, field, min(expected) as expected,
           count(*) as row_count, min(source_row) as first_row
    from ({union})
    group by stream, object, source_file, rule, field
    order by all""")
