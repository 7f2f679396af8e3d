"""A change that was wrong is taken back: a decision is written, the ids are as they were, and all is resolved anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from persona_warehouse import warehouse
from persona_warehouse.errors import ConfigError
from persona_warehouse.identity.ledger import create_ledger
from persona_warehouse.identity.overrides import CANNOT, MUST, Override, append_to_home, home_file
from persona_warehouse.identity.resolve import IdentityCounts, resolve_in
from persona_warehouse.settings import Settings

UNDONE = "undo"
# change -> the rule that takes it back
RULES = {"merge": CANNOT, "moved": CANNOT, "split": MUST}


@dataclass(frozen=True)
class Change:
    """A row of identity.changes."""

    change_id: str
    entity: str
    change: str
    id_before: str | None
    id_after: str
    reason: str
    changed_on: date
    records: list[str]


def list_changes(
    connection: duckdb.DuckDBPyConnection, since: date | None = None, *, new_too: bool = False
) -> list[Change]:
    """Changes from a day on, the oldest first; that an entity began is told when asked for."""
    rows = connection.execute(
        """select change_id, entity, change, id_before, id_after, reason, changed_on, coalesce(records, [])
           from identity.changes
           where changed_on >= coalesce($1, date '0001-01-01') and ($2 or change <> 'new')
           order by changed_on, entity, change, id_before, id_after, change_id""",
        [since, new_too],
    ).fetchall()
    return [Change(*row) for row in rows]


def undo(settings: Settings, change_id: str, author: str) -> tuple[Change, IdentityCounts]:
    """Takes a merge, a split or a move back.

    Merged entities are kept apart, split ones together, from now on, by a decision in the home's overrides; the
    records have their former ids, and everything is resolved.

    Args:
        change_id: or its beginning.
        author: who decides, for the overrides.

    Raises:
        ConfigError: there is no such change, it cannot be undone, was undone before, or another decision forbids it.
    """
    path = home_file(settings)
    before = path.read_bytes() if path.is_file() else None
    with warehouse.connect(settings.warehouse_file) as connection:
        create_ledger(connection)
        change = _find(connection, change_id)
        rule = RULES[change.change]
        decision = Override(
            change.entity, str(change.id_before), change.id_after, rule, f"undoes {change.change} {change.change_id}",
            author, str(settings.business_date), path, 0,
        )  # fmt: skip
        try:
            append_to_home(settings, decision)
            connection.execute("begin")
            _restore(connection, change)
            _note(connection, settings, change)
            counts = resolve_in(connection, settings)
            connection.execute("commit")
        except BaseException:
            # a decision that cannot be carried out is none
            if before is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(before)
            raise
    return change, counts


def _find(connection: duckdb.DuckDBPyConnection, change_id: str) -> Change:
    found = [one for one in list_changes(connection) if one.change_id.startswith(change_id)]
    if len(found) != 1 or not change_id:
        raise ConfigError(
            "no such change" if not found else "several changes begin like this",
            expected="the id of one change", found=change_id, remedy="`persona identity changes` lists them",
        )  # fmt: skip
    change = found[0]
    if change.change not in RULES:
        raise ConfigError(
            "this change cannot be undone",
            expected="a merge, a split or a move", found=change.change,
            remedy="write a decision into the overrides instead",
        )  # fmt: skip
    undone = connection.execute(
        "select 1 from identity.changes where change = $1 and reason = $2", [UNDONE, _reason(change)]
    ).fetchone()
    if undone:
        raise ConfigError(
            "this change was undone before", found=change.change_id,
            remedy="take its line out of the overrides to have it again",
        )  # fmt: skip
    return change


def _reason(change: Change) -> str:
    return f"undoes {change.change_id}"


def _restore(connection: duckdb.DuckDBPyConnection, change: Change) -> None:
    """The records of the change have the id again that they had before, and since when they had it."""
    former = connection.execute(
        """select min(valid_from) from identity.history where entity = $1 and entity_id = $2""",
        [change.entity, change.id_before],
    ).fetchone()
    connection.execute("create or replace temp table restored as select unnest($1) as node", [change.records])
    connection.execute(
        """update identity.assigned set entity_id = $2, assigned_on = coalesce($3, assigned_on)
           where entity = $1 and entity_id = $4 and node in (select node from restored)""",
        [change.entity, change.id_before, former[0] if former else None, change.id_after],
    )
    # what should not have been was not
    connection.execute(
        """delete from identity.history
           where entity = $1 and entity_id = $2 and valid_from = $3 and node in (select node from restored)""",
        [change.entity, change.id_after, change.changed_on],
    )
    connection.execute(
        """update identity.history set valid_to = null
           where entity = $1 and entity_id = $2 and valid_to = $3 and node in (select node from restored)""",
        [change.entity, change.id_before, change.changed_on],
    )
    connection.execute("drop table restored")


def _note(connection: duckdb.DuckDBPyConnection, settings: Settings, change: Change) -> None:
    connection.execute(
        """insert or ignore into identity.changes
           values (left(sha256($1), 16), $2, $3, $4, $5, $6, $7, $8, len($8))""",
        [
            f"{UNDONE}|{change.change_id}", change.entity, UNDONE, change.id_after, change.id_before, _reason(change),
            settings.business_date, change.records,
        ],
    )  # fmt: skip
