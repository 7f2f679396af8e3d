"""Why records are one: their keys, what links them and how surely, and which decisions had a say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from persona_warehouse.errors import ConfigError
from persona_warehouse.identity.linkage import waterfall
from persona_warehouse.identity.overrides import Override, read_overrides
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import attach, identifier, scratch

# likeness that is told step by step
MOST_WATERFALLS = 10
PREFIXES = {"a_": "account", "c_": "contact"}
TABLES = {
    "account": ("companies", ("company_name", "uscc", "domain")),
    "contact": ("people", ("full_name", "email", "phone", "unionid", "openid")),
}
PUBLIC = ("company_name", "uscc", "domain")


@dataclass(frozen=True)
class Explanation:
    """What is known of an entity.

    Attributes:
        entity: account or contact.
        asked, entity_id: the id asked for, and the present one.
        former_ids: ids that have merged into it.
        records: each with identity_key, match_method, match_probability and its keys.
        links: (node_l, node_r, method, match_weight, match_probability), the surest first.
        waterfalls: of the links by likeness: (node_l, node_r, rows of `linkage.waterfall`).
        overrides: decisions on one of its records or ids.
        changes: rows of identity.changes on it, as (changed_on, change_id, change, id_before, id_after, reason).
        parents: of an account, those above it, the nearest first.
    """

    entity: str
    asked: str
    entity_id: str
    former_ids: tuple[str, ...]
    records: tuple[dict[str, Any], ...]
    links: tuple[tuple[Any, ...], ...]
    waterfalls: tuple[tuple[str, str, list[dict[str, Any]]], ...]
    overrides: tuple[Override, ...]
    changes: tuple[tuple[Any, ...], ...]
    parents: tuple[str, ...] = field(default=())


@contextmanager
def reading(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with views of identity.*, in which scoring a pair may make tables and leaves none behind.

    Raises:
        PersonaError: another process holds the working database, or it is missing or damaged.
        ConfigError: no night has resolved anything yet.
    """
    with scratch() as connection:
        attach(connection, settings.warehouse_file, "kept")
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'kept' and schema_name = 'identity'"
        ).fetchall()
        if ("changes",) not in names or ("aliases",) not in names:
            raise ConfigError(
                "no night has found out who is who yet",
                file=str(settings.warehouse_file),
                remedy="run `persona nightly`",
            )
        connection.execute("create schema identity")
        for (name,) in names:
            connection.execute(f"create view identity.{identifier(name)} as from kept.identity.{identifier(name)}")
        yield connection


def explain(
    connection: duckdb.DuckDBPyConnection, settings: Settings, asked: str, *, clear: bool = False
) -> Explanation:
    """Explains an account, a contact, a former id of one, or the entity of a record.

    Args:
        asked: such as a_1f…, c_9e…, crm|companies|123.
        clear: personal data as they are; else masked.

    Raises:
        ConfigError: nobody bears or bore this id.
    """
    entity, entity_id = _find(connection, asked)
    table, columns = TABLES[entity]
    hide = (lambda name, value: value) if clear else masked
    names = ("identity_key", "match_method", "match_probability", *columns)
    rows = connection.execute(
        f"select {', '.join(names)} from identity.{table} where {entity}_id = $1 order by identity_key", [entity_id]
    ).fetchall()
    records = [dict(zip(names, row, strict=True)) for row in rows]
    nodes = [str(one["identity_key"]) for one in records]
    links = connection.execute(
        """select node_l, node_r, method, match_weight, match_probability from identity.links
           where entity = $1 and list_contains($2, node_l) and list_contains($2, node_r)
           order by match_probability desc nulls last, method, node_l, node_r""",
        [entity, nodes],
    ).fetchall()
    alike = [(left, right) for left, right, method, *_ in links if method == "likeness"][:MOST_WATERFALLS]
    falls = [(left, right, waterfall(connection, entity, left, right)) for left, right in alike]
    former = connection.execute(
        "select old_id from identity.aliases where entity = $1 and entity_id = $2 order by 1", [entity, entity_id]
    ).fetchall()
    ids = {asked, entity_id, *nodes, *(row[0] for row in former)}
    decided = [one for one in read_overrides(settings) if one.left_id in ids or one.right_id in ids]
    changes = connection.execute(
        """select changed_on, change_id, change, id_before, id_after, reason from identity.changes
           where entity = $1 and (id_before = $2 or id_after = $2) order by all""",
        [entity, entity_id],
    ).fetchall()
    return Explanation(
        entity,
        hide("identity_key", asked),
        entity_id,
        tuple(row[0] for row in former),
        tuple({name: hide(name, value) for name, value in one.items()} for one in records),
        tuple((hide("identity_key", row[0]), hide("identity_key", row[1]), *row[2:]) for row in links),
        tuple((hide("identity_key", left), hide("identity_key", right), fall) for left, right, fall in falls),
        tuple(decided),
        tuple(changes),
        _parents(connection, entity_id) if entity == "account" else (),
    )


def _find(connection: duckdb.DuckDBPyConnection, asked: str) -> tuple[str, str]:
    found = connection.execute(
        """select entity, entity_id from identity.assigned where entity_id = $1 or node = $1
           union
           select entity, entity_id from identity.aliases where old_id = $1
           order by entity limit 1""",
        [asked],
    ).fetchone()
    if found is None:
        raise ConfigError(
            "nobody is known by this id",
            expected="an account_id, a contact_id, a former one, or a record such as crm|companies|123",
            found=masked("identity_key", asked),
            remedy="look it up in marts.contact_identities",
        )
    return str(found[0]), str(found[1])


def _parents(connection: duckdb.DuckDBPyConnection, account_id: str) -> tuple[str, ...]:
    rows = connection.execute(
        """with recursive above as (
               select parent_account_id, 1 as height from identity.account_parents where account_id = $1
               union all
               select p.parent_account_id, a.height + 1
               from above as a join identity.account_parents as p on p.account_id = a.parent_account_id
           )
           select parent_account_id from above order by height""",
        [account_id],
    ).fetchall()
    return tuple(row[0] for row in rows)


def masked(name: str, value: Any) -> Any:
    """A value as it may be shown: companies as they are, of persons the beginning, ids of the CRM whole."""
    if not isinstance(value, str) or name in (*PUBLIC, "match_method"):
        return value
    if name == "identity_key":
        system, _, rest = value.partition("|")
        kind, _, own = rest.partition("|")
        return (
            value
            if system == "crm" or kind in ("domains", "company_enrichment") or not own
            else f"{system}|{kind}|{own[:3]}…"
        )
    if name == "email":
        local, _, domain = value.partition("@")
        return f"{local[:1]}***@{domain}"
    if name == "phone":
        return re.sub(r"\d(?=\d{4})", "*", value)
    return value[:1] + "*" * min(len(value) - 1, 5)
