"""Every landed row is somewhere: in the warehouse, in quarantine, or superseded by a newer version of itself.

What landed is counted in the landed files, never in the tables that were built from them, and its sum is compared with
these exactly, object by object. From there on a record of its own goes into a mart, or is left out for a stated reason.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import duckdb

from persona_warehouse.files import read_json, write_json
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS, ObjectContract, objects
from persona_warehouse.quality.results import Boundary, Result, audit_folder
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, insert, literal

FILE = "reconciliation.json"
FACTS: dict[Boundary, str] = {
    "staging": "every landed row is in staging, in quarantine or superseded",
    "marts": "every staged row is in its mart or left out for a stated reason",
}


@dataclass(frozen=True)
class InMart:
    """Where the rows of an object stand one by one: SQL counts over `s`, the staged rows.

    Attributes:
        arrived: how many of them the mart shows.
        left_out: condition of the others that are no fault.
    """

    mart: str
    arrived: str
    left_out: str = "false"


def _identified(name: str, key: str) -> str:
    return f"{key} in (select source_id from marts.contact_identities where source_object = '{name}')"


# objects whose rows are records of their own in a mart; the others are read as attributes of these
IN_MARTS = {
    "crm.companies": InMart(
        "contact_identities",
        f"count(*) filter ({_identified('companies', 's.company_id')})",
        f"(s.is_deleted or s.merged_into_id is not null) and not {_identified('companies', 's.company_id')}",
    ),
    "crm.contacts": InMart(
        "contact_identities",
        f"count(*) filter ({_identified('contacts', 's.contact_id')})",
        f"(s.is_deleted or s.merged_into_id is not null) and not {_identified('contacts', 's.contact_id')}",
    ),
    "crm.leads": InMart(
        "contact_identities",
        f"count(*) filter ({_identified('leads', 's.lead_id')})",
        f"s.is_deleted and not {_identified('leads', 's.lead_id')}",
    ),
    "crm.deals": InMart(
        "lead_stages",
        "count(*) filter (s.deal_id in (select deal_id from marts.lead_stages))",
        "s.is_deleted and s.deal_id not in (select deal_id from marts.lead_stages where deal_id is not null)",
    ),
    "website.events": InMart("sessions", "any_value((select coalesce(sum(event_count), 0) from marts.sessions))"),
}


@dataclass(frozen=True)
class Reconciled:
    """One object: landed = staged + superseded + withdrawn + quarantined + quarantined_again + unaccounted.

    Attributes:
        landed_rows: rows in the files of committed loads, as their manifests say.
        staged_rows: the newest version of each key.
        superseded_rows: older versions of a key that is known.
        withdrawn_rows: keys whose source took them back.
        quarantined_rows: rows that could not be read, each once.
        quarantined_again_rows: the same rows in later loads.
        unaccounted_rows: what is nowhere, or in two places; 0 on a good night.
        mart: the mart that shows each row, if one does; else null, and so is the rest.
        in_mart_rows, left_out_rows, mart_unaccounted_rows: the same on the way from staging into that mart.
    """

    stream: str
    object: str
    landed_rows: int
    staged_rows: int
    superseded_rows: int
    withdrawn_rows: int
    quarantined_rows: int
    quarantined_again_rows: int
    unaccounted_rows: int
    mart: str | None = None
    in_mart_rows: int | None = None
    left_out_rows: int | None = None
    mart_unaccounted_rows: int | None = None


COLUMNS = ", ".join(
    f"{one.name} {'varchar' if one.name in ('stream', 'object', 'mart') else 'bigint'}" for one in fields(Reconciled)
)


def reconcile(
    settings: Settings, connection: duckdb.DuckDBPyConnection, boundary: Boundary, until: datetime | None = None
) -> list[Result]:
    """Counts both sides of a boundary, keeps the sums with the night's audit, and says where they differ.

    Args:
        connection: on the working database, with the marts built where the boundary is `marts`.
        until: when staging began to be built. What was committed later counts where staging took it nevertheless:
            a load that ends meanwhile is the next build's.
    """
    found = []
    for stream in STREAMS:
        for contract in objects(stream).values():
            one = _landed(settings, connection, stream, contract, until)
            if boundary == "marts":
                one = _in_mart(connection, one)
            found.append(one)
    write_json(audit_folder(settings) / FILE, [asdict(one) for one in found])
    return [_result(settings, boundary, one) for one in found if boundary == "staging" or one.mart]


def write_reconciliation(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Writes quality.reconciliation anew from what the night's audit counted. One row per object."""
    connection.execute(f"create or replace table quality.reconciliation ({COLUMNS})")
    file = audit_folder(settings) / FILE
    rows: list[dict[str, Any]] = read_json(file) if file.exists() else []
    insert(connection, "quality.reconciliation", [tuple(one.values()) for one in rows])


def _landed(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    stream: str,
    contract: ObjectContract,
    until: datetime | None,
) -> Reconciled:
    name = contract.name
    loads = [one for one in store.manifests(settings, stream) if any(file.object == name for file in one.files)]
    late = {
        one.load_id for one in loads if until and one.finished_at and datetime.fromisoformat(one.finished_at) > until
    }
    if late:
        taken_ids = connection.execute(
            f"select load_id from staging.stg_{stream}__{name} union select load_id from quarantine.{stream}__{name}"
        ).fetchall()
        late -= {load_id for (load_id,) in taken_ids}
    landed = [file for one in loads if one.load_id not in late for file in one.files if file.object == name]
    paths = ", ".join(literal(settings.landing / stream / file.path) for file in landed)
    good = errors = error_rows = keys = taken = 0
    if landed:
        key = ", ".join(identifier(column) for column in contract.key)
        files = f"read_parquet([{paths}], union_by_name = true)"
        ((good, errors),) = connection.execute(
            f"select count(*) filter (row_errors is null), count(*) filter (row_errors is not null) from {files}"
        ).fetchall()
        ((keys,),) = connection.execute(
            f"select count(*) from (select distinct {key} from {files} where row_errors is null)"
        ).fetchall()
        if errors:
            ((error_rows,),) = connection.execute(
                f"""select count(*) from (select distinct source_file, source_row, coalesce(raw_row, '')
                    from {files} where row_errors is not null)"""
            ).fetchall()
        if "is_deleted" in contract.columns:
            same = " and ".join(f"s.{identifier(c)} is not distinct from d.{identifier(c)}" for c in contract.key)
            ((taken,),) = connection.execute(
                f"""select count(*) from (select distinct {key} from {files} where row_errors is null and is_deleted) d
                    where not exists (select 1 from staging.stg_{stream}__{name} s where {same})"""
            ).fetchall()
    ((staged, quarantined),) = connection.execute(
        f"""select (select count(*) from staging.stg_{stream}__{name}),
                   (select count(*) from (select distinct source_file, source_row, coalesce(raw_row, '')
                                          from quarantine.{stream}__{name}))"""
    ).fetchall()
    said = sum(file.rows for file in landed)
    # each difference by itself: a row too many in one place must not hide one that is missing in another
    apart = abs(said - good - errors) + abs(keys - staged - taken) + abs(error_rows - quarantined)
    return Reconciled(
        stream=stream,
        object=name,
        landed_rows=said,
        staged_rows=staged,
        superseded_rows=good - keys,
        withdrawn_rows=taken,
        quarantined_rows=quarantined,
        quarantined_again_rows=errors - error_rows,
        unaccounted_rows=apart,
    )


def _in_mart(connection: duckdb.DuckDBPyConnection, one: Reconciled) -> Reconciled:
    way = IN_MARTS.get(f"{one.stream}.{one.object}")
    if way is None:
        return one
    ((arrived, left_out),) = connection.execute(
        f"""select coalesce({way.arrived}, 0), count(*) filter ({way.left_out})
            from staging.stg_{one.stream}__{one.object} as s"""
    ).fetchall()
    return Reconciled(
        **asdict(one)
        | {
            "mart": way.mart,
            "in_mart_rows": int(arrived),
            "left_out_rows": left_out,
            "mart_unaccounted_rows": abs(one.staged_rows - int(arrived) - left_out),
        }
    )


def _result(settings: Settings, boundary: Boundary, one: Reconciled) -> Result:
    if boundary == "staging":
        of, apart, suite = one.landed_rows, one.unaccounted_rows, f"stg_{one.stream}__{one.object}"
        said = (
            f"{of:,} landed = {one.staged_rows:,} staged + {one.superseded_rows:,} superseded +"
            f" {one.withdrawn_rows:,} withdrawn + {one.quarantined_rows:,} in quarantine +"
            f" {one.quarantined_again_rows:,} in quarantine again"
        )
    else:
        of, apart, suite = one.staged_rows, one.mart_unaccounted_rows or 0, str(one.mart)
        said = f"{of:,} staged = {one.in_mart_rows:,} in {one.mart} + {one.left_out_rows:,} deleted at the source"
    fact = FACTS[boundary] if boundary == "staging" else f"{FACTS[boundary]}: {one.stream}.{one.object}"
    return Result(
        as_of_date=settings.business_date,
        boundary=boundary,
        suite=suite,
        expectation=fact,
        column_name=None,
        severity="critical",
        success=apart == 0,
        evaluated_count=of,
        unexpected_count=apart,
        unexpected_share=apart / of if of else None,
        observed_value=str(apart),
        reason=f"A row that is nowhere, or twice, makes every count wrong. {said}.",
        owner="data_engineering",
    )
