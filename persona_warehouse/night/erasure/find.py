"""From one identifier to a person: all records that the warehouse knows as theirs, and all that names them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb

from persona_warehouse.errors import ConfigError
from persona_warehouse.identity.explain import reading
from persona_warehouse.identity.normalise import email_key, phone_key
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.erasing import People, normal
from persona_warehouse.night.erasure.plan import Plan, new_id
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, literal, scratch

PEOPLE_OBJECTS = {"contacts": ("contact_id", "contact"), "leads": ("lead_id", "lead")}
# all of them are looked for in every text at once
MOST = 1000
EPISODES = "int_wechat__follow_episodes"
NAME_COLUMNS = ("name", "name_key", "given", "family", "email_local")


def find(settings: Settings, value: str) -> Plan | None:
    """Who bears an identifier; None when nobody does.

    Args:
        value: e-mail, phone, openid, unionid, id of the CRM's contact or lead, or contact_id of the marts.

    Raises:
        ConfigError: several people bear it, or no night has found out who is who yet.
        PersonaError: the warehouse is missing, damaged or in use.
    """
    with reading(settings) as connection:
        _make_landed(connection, settings)
        ids = _contact_ids(connection, value)
        if len(ids) > 1:
            raise ConfigError(
                "several people bear this identifier",
                expected="an identifier of one person",
                found=f"{len(ids)} contacts: {', '.join(ids)}",
                remedy="give the contact_id of one of them; `persona identity explain ID` tells about each",
            )
        found = _identifiers(connection, value, ids)
        if not ids and not _is_landed(connection, found):
            return None
        shared = _without_shared(connection, found, ids)
        return _plan(connection, settings, ids, found, shared)


def unfollowed(settings: Settings) -> Plan | None:
    """Who left the Official Account, as far as WeChat told of them, so many at a time; None when nobody has.

    What the CRM and the website know by themselves stays. Who follows again may be known again: nothing is suppressed.
    """
    with reading(settings) as connection:
        connection.execute(f"create view episodes as from kept.intermediate.{identifier(EPISODES)}")
        openids = _column(
            connection,
            f"""select openid from episodes group by openid
               having bool_and(unfollowed_at is not null) and openid is not null
               order by openid limit {MOST}""",
        )
        if not openids:
            return None
        of_them = "openid in (select unnest($1::varchar[]))"
        unionids = _column(connection, f"select unionid from identity.people where {of_them}", openids)
        nodes = _column(
            connection, f"select identity_key from identity.people where source_system <> 'crm' and {of_them}", openids
        )
        nodes |= {f"wechat|followers|{one}" for one in openids} | {f"derived|remark_companies|{one}" for one in openids}
        people = People.of(connection, {"openid": openids, "unionid": unionids}, kept={"crm", "website"})
        return Plan(
            new_id(), datetime.now(UTC).isoformat(timespec="seconds"), people, nodes=frozenset(nodes),
            business_date=settings.business_date.isoformat(), is_suppressed=False,
        )  # fmt: skip


def unknown(settings: Settings, value: str) -> Plan:
    """A plan on somebody of whom nothing is known but an identifier."""
    with scratch() as connection:
        people = People.of(connection, guess(value))
    return Plan(new_id(), datetime.now(UTC).isoformat(timespec="seconds"), people)


def guess(value: str) -> dict[str, set[str]]:
    """What an identifier that nobody bears may be, by its form."""
    mail, number = _keys(value)
    if mail:
        return {"email": {value, mail}}
    if number:
        return {"phone": {value, number}}
    return {kind: {value} for kind in ("openid", "unionid", "contact", "lead", "user")}


def _keys(value: str) -> tuple[str | None, str | None]:
    """The value as an address and as a number; what looks like an address and is none may stand in a source."""
    mail, number = email_key(value), phone_key(value)
    plain = value.strip().lower() if "@" in value else None
    return mail[0] if mail else plain, number[0] if number else None


def _contact_ids(connection: duckdb.DuckDBPyConnection, value: str) -> list[str]:
    mail, number = _keys(value)
    rows = connection.execute(
        """
        with met as (
            select contact_id from identity.people
            where contact_id = $value or openid = $value or unionid = $value or email = $email or phone = $phone
               or (source_system = 'crm' and source_id = $value)
            union
            select entity_id from identity.aliases where entity = 'contact' and old_id = $value
            union
            -- records that the CRM has deleted are assigned still
            select entity_id from identity.assigned
            where entity = 'contact' and (
                entity_id = $value
                or node in ('crm|contacts|' || $value, 'crm|leads|' || $value, 'wechat|followers|' || $value)
                or node in (select unnest($nodes::varchar[]))
            )
        )
        select distinct contact_id from met order by 1""",
        {"value": value.strip(), "email": mail, "phone": number, "nodes": sorted(_landed_nodes(connection, value))},
    ).fetchall()
    return [row[0] for row in rows]


def _landed_nodes(connection: duckdb.DuckDBPyConnection, value: str) -> set[str]:
    """Records of the CRM of which any version bears it, also one that was replaced or could not be typed."""
    people = People.of(connection, guess(value))
    nodes: set[str] = set()
    for name, (key, _) in PEOPLE_OBJECTS.items():
        for column, kind in contract("crm", name).erased_rows.items():
            values = people.identifiers.get(kind)
            if values and column != key:
                met = f"{normal(kind, column)} in (select unnest($1::varchar[]))"
                query = f"select distinct {key} from landed_{name} where {met}"
                nodes |= {f"crm|{name}|{one}" for one in _column(connection, query, values)}
    return nodes


def _identifiers(connection: duckdb.DuckDBPyConnection, value: str, ids: list[str]) -> dict[str, set[str]]:
    """kind -> values as they are written anywhere."""
    if not ids:
        return guess(value)
    found: dict[str, set[str]] = {
        kind: set() for kind in ("email", "phone", "openid", "unionid", "contact", "lead", "user", "cookie")
    }
    connection.execute("create temp table found_ids as select unnest($1::varchar[]) as contact_id", [ids])
    nodes = _nodes(connection)
    for node in nodes:
        system, name, key = node.split("|", 2)
        if (system, name) == ("website", "users"):
            for kind, part in zip(("user", "email", "phone", "openid"), key.split("|"), strict=False):
                found[kind].add(part)
        elif name in PEOPLE_OBJECTS and system == "crm":
            found[PEOPLE_OBJECTS[name][1]].add(key)
        elif (system, name) == ("wechat", "followers"):
            found["openid"].add(key)
    kinds = ("email", "phone", "unionid", "openid")
    for row in connection.execute(
        f"select {', '.join(kinds)} from identity.people semi join found_ids using (contact_id)"
    ).fetchall():
        _add(found, kinds, row)
    # earlier versions of the same records, as the CRM had them
    for name, (key, kind) in PEOPLE_OBJECTS.items():
        for row in connection.execute(
            f"select distinct {', '.join(kinds)} from landed_{name} where {key} in (select unnest($1::varchar[]))",
            [sorted(found[kind])],
        ).fetchall():
            _add(found, kinds, row)
    for kind, table, key in (("email", "emails", "email"), ("phone", "phones", "e164")):
        found[kind] |= _column(
            connection, f"select raw from identity.{table} where {key} in (select unnest($1::varchar[]))", found[kind]
        )
    found["cookie"] |= _column(
        connection, "select anonymous_id from identity.visitors semi join found_ids using (contact_id)"
    )
    found["interview"] = _column(
        connection,
        "select interview_id from landed_interviews where contact_id in (select unnest($1::varchar[]))",
        found["contact"],
    )
    return {kind: {one for one in values if one} for kind, values in found.items()}


def _nodes(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return _column(
        connection,
        """select node from identity.assigned
           where entity = 'contact' and entity_id in (select contact_id from found_ids)
           union select identity_key from identity.people semi join found_ids using (contact_id)""",
    )


def _add(found: dict[str, set[str]], kinds: Iterable[str], row: tuple[str | None, ...]) -> None:
    for kind, one in zip(kinds, row, strict=True):
        if one:
            found[kind].add(one)


def _column(connection: duckdb.DuckDBPyConnection, query: str, given: Iterable[str] | None = None) -> set[str]:
    parameters = [sorted(given)] if given is not None else []
    return {row[0] for row in connection.execute(query, parameters).fetchall() if row[0]}


def _make_landed(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Views landed_<object> of what the committed loads hold of people."""
    files = {(file.object) for load in store.manifests(settings, "crm") for file in load.files}
    for name in ("contacts", "leads", "interviews"):
        shape = settings.landing / "crm" / name / "_schema.parquet"
        pattern = settings.landing / "crm" / name / "load_date=*" / "*.parquet"
        paths = [literal(shape), *([literal(pattern)] if name in files else [])]
        connection.execute(
            f"create view landed_{name} as"
            f" select * from read_parquet([{', '.join(paths)}], union_by_name = true, hive_partitioning = false)"
        )


def _is_landed(connection: duckdb.DuckDBPyConnection, found: dict[str, set[str]]) -> bool:
    """Whether a row of the CRM that never came into the warehouse bears it: one that could not be typed."""
    people = People.of(connection, found)
    for name in PEOPLE_OBJECTS:
        for column, of in contract("crm", name).erased_rows.items():
            values = people.identifiers.get(of)
            if (
                values
                and connection.execute(
                    f"select 1 from landed_{name} where {normal(of, column)} in (select unnest($1::varchar[])) limit 1",
                    [sorted(values)],
                ).fetchone()
            ):
                return True
    return False


def _without_shared(connection: duckdb.DuckDBPyConnection, found: dict[str, set[str]], ids: list[str]) -> int:
    """Takes out identifiers that others bear too; returns how many. They are no more this person's than theirs."""
    shared = 0
    for kind in ("email", "phone", "unionid", "openid"):
        mine = f"select distinct {normal(kind, 'v')} as value from (select unnest($1::varchar[]) as v)"
        of_others = _column(
            connection,
            f"""select value from ({mine}) semi join (
                    select {normal(kind, kind)} as value from identity.people
                    where contact_id not in (select unnest($2::varchar[]))
                ) using (value)""".replace("$2::varchar[]", f"[{', '.join(map(literal, ids))}]::varchar[]"),
            found.get(kind, set()),
        )
        if of_others:
            normals = People.of(connection, {kind: of_others}).identifiers[kind]
            for one in list(found[kind]):
                number = phone_key(one) if kind == "phone" else None
                written = [one, *(number[:1] if number else ())]
                if People.of(connection, {kind: written}).identifiers[kind] & normals:
                    found[kind].discard(one)
            shared += len(of_others)
    return shared


def _plan(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    ids: list[str],
    found: dict[str, set[str]],
    shared: int,
) -> Plan:
    names: set[str] = set()
    companies: set[str] = set()
    company_names: set[str] = set()
    for name, (key, kind) in PEOPLE_OBJECTS.items():
        keys = found.get(kind, set())
        query = f"select %s from landed_{name} where {key} in (select unnest($1::varchar[]))"
        names |= _column(connection, query % "full_name", keys)
        if name == "contacts":
            companies |= _column(connection, query % "company_id", keys)
        else:
            company_names |= _column(connection, query % "company_name", keys)
    if ids:
        names |= _column(connection, "select full_name from identity.people semi join found_ids using (contact_id)")
    company_names |= _column(
        connection,
        "select company_name from identity.companies where source_object = 'companies'"
        " and source_id in (select unnest($1::varchar[]))",
        companies,
    )
    nodes = _nodes(connection) if ids else set()
    nodes |= {f"crm|{name}|{one}" for name, (_, kind) in PEOPLE_OBJECTS.items() for one in found.get(kind, ())}
    # what is known of companies through them
    nodes |= {f"derived|lead_companies|{one}" for one in found.get("lead", ())}
    nodes |= {f"derived|remark_companies|{one}" for one in found.get("openid", ())}
    former = (
        _column(
            connection,
            "select old_id from identity.aliases where entity = 'contact' and entity_id in (from found_ids)",
        )
        if ids
        else set()
    )
    return Plan(
        new_id(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        People.of(connection, found, names=names, companies=companies, company_names=company_names),
        frozenset({*ids, *former}),
        frozenset(nodes),
        frozenset(_terms(connection, nodes)),
        shared,
        settings.business_date.isoformat(),
    )


def _terms(connection: duckdb.DuckDBPyConnection, nodes: set[str]) -> set[tuple[str, str]]:
    """(column, term) of identity.person_terms that only they bear."""
    known = connection.execute(
        "select 1 from duckdb_views()"
        " where schema_name = 'identity' and view_name in ('person_features', 'person_terms')"
    ).fetchall()
    if len(known) < 2:
        return set()
    found: set[tuple[str, str]] = set()
    listed = f"({', '.join(map(literal, sorted(nodes))) or literal('')})"
    for column in NAME_COLUMNS:
        rows = connection.execute(
            f"""select t.term from identity.person_terms as t
                where t.column_name = {literal(column)}
                  and t.term in (select {column} from identity.person_features where node in {listed})
                  and not exists (
                      select 1 from identity.person_features as o where o.{column} = t.term and o.node not in {listed}
                  )"""
        ).fetchall()
        found |= {(column, row[0]) for row in rows}
    return found
