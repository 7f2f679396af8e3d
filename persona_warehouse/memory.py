"""What no source can tell again, kept beside the warehouse: ids and their history, what was learnt, what was seen.

The warehouse can be lost or dropped: everything in it is built again from the landing zone, but for the tables listed
here. Each night writes them as Parquet files before it publishes, so that what a reader saw is always remembered:

    memory/<UTC time>/<schema>.<table>.parquet      with manifest.json: rows, and the statement that makes the table
    memory/current -> <UTC time>                    replaced by rename, so that a memory is whole or the former one
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse.errors import PersonaError
from persona_warehouse.files import fsync_path, read_json, replace_link, sha256_of, write_json
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, literal


@dataclass(frozen=True)
class Remembered:
    """A table of the warehouse that is remembered.

    Attributes:
        name: schema.table.
        erased: SQL condition: which rows go when people are erased; `erased_nodes` (node, also a variable) and
            `erased_ids` (id) are their records and contact ids, `erased_terms` what only they are called.
        replaced: SQL for `select * replace (…)`, of what is cut out of rows that stay.
    """

    name: str
    erased: str = "false"
    replaced: str = ""


NODE = "node in (from erased_nodes)"
PERSON = f"({NODE} or entity_id in (from erased_ids))"
RECORD = "identity_key in (from erased_nodes)"
TERM = "(column_name, term) in (from erased_terms)"
OTHERS = "list_filter(records, lambda r: not list_contains(getvariable('erased_nodes'), r))"
# who adds a table that remembers lists it here
TABLES = (
    Remembered("identity.assigned", PERSON),
    Remembered("identity.history", PERSON),
    Remembered("identity.aliases", "old_id in (from erased_ids) or entity_id in (from erased_ids)"),
    Remembered(
        "identity.changes",
        f"id_before in (from erased_ids) or id_after in (from erased_ids) or (len(records) > 0 and len({OTHERS}) = 0)",
        f"{OTHERS} as records",
    ),
    Remembered("identity.record_employers", NODE),
    # by them the next night sees that an id of the CRM has passed to somebody else
    Remembered("identity.people", RECORD),
    Remembered("identity.companies", RECORD),
    # a model learns from what was there when it was trained, and so do the frequencies that it weighs by
    Remembered("identity.models"),
    Remembered("identity.person_terms", TERM),
    Remembered("identity.person_crowded"),
    Remembered("identity.account_features_terms", TERM),
    Remembered("identity.account_features_crowded"),
    # names that the CRM has since changed still stand in remarks
    Remembered("identity.known_companies"),
)


def remember(settings: Settings, connection: duckdb.DuckDBPyConnection, *, erasing: bool = False) -> None:
    """Writes the tables that exist in the warehouse, in place of what was remembered before.

    Args:
        erasing: leave out rows of the people in the tables `erased_nodes`, `erased_ids` and `erased_terms`.
    """
    made = dict(
        connection.execute(
            "select schema_name || '.' || table_name, sql from duckdb_tables() where database_name = current_database()"
        ).fetchall()
    )
    folder = settings.memory / f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(2)}"
    settings.memory.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    tables: dict[str, dict[str, Any]] = {}
    for one in TABLES:
        if one.name not in made:
            continue
        file = folder / f"{one.name}.parquet"
        query = f"from {_quoted(one.name)}"
        if erasing:
            replaced = f" replace ({one.replaced})" if one.replaced else ""
            query = f"select *{replaced} from {_quoted(one.name)} where not coalesce({one.erased}, false)"
        connection.execute(f"copy ({query}) to {literal(file)} (format parquet, compression zstd)")
        file.chmod(0o600)
        tables[one.name] = {"sql": made[one.name], "sha256": sha256_of(file)}
        fsync_path(file)
    write_json(folder / "manifest.json", {"business_date": settings.business_date.isoformat(), "tables": tables})
    replace_link(_current(settings), Path(folder.name))
    for other in settings.memory.iterdir():
        if other.is_dir() and not other.is_symlink() and other != folder:
            shutil.rmtree(other, ignore_errors=True)


def is_there(settings: Settings) -> bool:
    """Whether anything is remembered."""
    return (_current(settings) / "manifest.json").exists()


def recall(settings: Settings, connection: duckdb.DuckDBPyConnection) -> int:
    """Makes the remembered tables in a warehouse that has none of them, in one transaction.

    Returns:
        how many tables it were.

    Raises:
        PersonaError: a file is missing or no longer as it was written.
    """
    folder = _current(settings)
    tables = read_json(folder / "manifest.json")["tables"]
    connection.execute("begin")
    for name, told in tables.items():
        file = folder / f"{name}.parquet"
        if not file.exists() or sha256_of(file) != told["sha256"]:
            raise PersonaError(
                "what was remembered of former nights is damaged",
                file=str(file),
                expected="the file as the night wrote it",
                found="another content" if file.exists() else "nothing",
                remedy="restore the folder `memory` from a backup, or remove it: ids and their history then begin anew",
            )
        connection.execute(f"create schema if not exists {identifier(name.partition('.')[0])}")
        connection.execute(told["sql"])
        connection.execute(f"insert into {_quoted(name)} by name from read_parquet({literal(file)})")
    connection.execute("commit")
    return len(tables)


def _current(settings: Settings) -> Path:
    return settings.memory / "current"


def _quoted(name: str) -> str:
    return ".".join(map(identifier, name.split(".")))
