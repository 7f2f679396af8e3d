"""A release in PostgreSQL, for tools that read no files: all of it is there at once, or the former one still is.

One transaction writes the tables into new schemas and lets these take the place of `persona_marts` and
`persona_quality`; it locks nothing that is read. The former schemas go in another one, which gives way to whoever still
reads them: then they go the next time. Roles that might use a schema may use the one that takes its place.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

from persona_warehouse import warehouse
from persona_warehouse.connections import Connection, get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.publish import DATABASE, Release
from persona_warehouse.sources.sql.database import Target, conninfo
from persona_warehouse.warehouse import identifier, literal

SCHEMAS = ("marts", "quality")
PREFIX = "persona_"
NEXT, FORMER = "_next", "_former"
BATCH_ROWS = 50_000
WAIT_SECONDS = 10  # for who reads the former release
# who mirrors is alone in it, whatever machine it runs on
LOCK = 5_201_314
VIEWS_ON_IT = """
select distinct concat(vn.nspname, '.', v.relname)
from pg_depend as d
join pg_rewrite as r on r.oid = d.objid
join pg_class as v on v.oid = r.ev_class
join pg_namespace as vn on vn.oid = v.relnamespace
join pg_class as t on t.oid = d.refobjid
join pg_namespace as tn on tn.oid = t.relnamespace
where tn.nspname = {schema} and vn.nspname <> tn.nspname
order by 1
"""
READERS = """
select distinct pg_get_userbyid(a.grantee)
from pg_namespace as n, aclexplode(n.nspacl) as a
where n.nspname = {schema} and a.privilege_type = 'USAGE' and a.grantee <> n.nspowner and a.grantee <> 0
order by 1
"""


def mirror(release: Release, name: str) -> str:
    """Puts a release into PostgreSQL and says so; one that is there already is left.

    Args:
        name: of the connection, of type postgres; its user may create schemas in the database.

    Raises:
        ConfigError: the connection is none to a PostgreSQL, the database refuses us, or views of others stand on the
            tables.
        SourceFault: the database is not there, or went away; the former release is still in it.
    """
    connection = get_connection(name)
    if (connection.conn_type or "postgres") not in ("postgres", "postgresql"):
        raise ConfigError(
            "releases are copied to PostgreSQL only",
            expected="a connection of type postgres",
            found=f"type {connection.conn_type} of the connection {name}",
            remedy="name another connection",
        )
    with Target(connection, "postgresql", "postgres", f"connection {name}").faults():
        return _mirrored(release, connection)


def _mirrored(release: Release, connection: Connection) -> str:
    from adbc_driver_postgresql import dbapi

    with closing(dbapi.connect(conninfo(connection))) as postgres, closing(postgres.cursor()) as cursor:
        cursor.execute(f"select pg_advisory_lock({LOCK})")
        if _rows(cursor, f"select obj_description(to_regnamespace('{PREFIX}marts'), 'pg_namespace')") == [
            (release.release_id,)
        ]:
            return f"{release.release_id} is there already"
        _drop_former(cursor)
        postgres.commit()
        rows = 0
        with warehouse.connect(release.path / DATABASE, read_only=True) as source:
            for schema in SCHEMAS:
                rows += _write(source, cursor, schema)
        for schema in SCHEMAS:
            _swap(cursor, schema, release.release_id)
        postgres.commit()
        with suppress(dbapi.Error):
            _drop_former(cursor)
            postgres.commit()
    return f"{release.release_id}: {len(release.manifest['tables'])} tables, {rows:,} rows"


def _drop_former(cursor: Any) -> None:
    cursor.execute(f"set local lock_timeout = '{WAIT_SECONDS}s'")
    for schema in SCHEMAS:
        cursor.execute(f"drop schema if exists {identifier(PREFIX + schema + FORMER)} cascade")


def _write(source: Any, cursor: Any, schema: str) -> int:
    """Writes a schema of the release into its next one, with comments; returns the rows."""
    target = f"{PREFIX}{schema}{NEXT}"
    cursor.execute(f"drop schema if exists {identifier(target)} cascade")
    cursor.execute(f"create schema {identifier(target)}")
    tables = source.execute(
        "select table_name, comment from duckdb_tables() where schema_name = ? order by table_name", [schema]
    ).fetchall()
    rows = 0
    for table, comment in tables:
        reader = source.execute(f"from {schema}.{identifier(table)}").to_arrow_reader(BATCH_ROWS)
        rows += cursor.adbc_ingest(table, reader, mode="create", db_schema_name=target)
        place = f"{identifier(target)}.{identifier(table)}"
        if comment:
            cursor.execute(f"comment on table {place} is {literal(comment)}")
        for column, words in source.execute(
            """select column_name, comment from duckdb_columns()
               where schema_name = ? and table_name = ? and comment is not null""",
            [schema, table],
        ).fetchall():
            cursor.execute(f"comment on column {place}.{identifier(column)} is {literal(words)}")
        for key in ("account_id", "contact_id"):
            if key in reader.schema.names:
                cursor.execute(f"create index on {place} ({identifier(key)})")
        cursor.execute(f"analyze {place}")
    return rows


def _swap(cursor: Any, schema: str, release_id: str) -> None:
    now, coming, former = (f"{PREFIX}{schema}{end}" for end in ("", NEXT, FORMER))
    views = [view for (view,) in _rows(cursor, VIEWS_ON_IT.format(schema=literal(now)))]
    if views:
        raise ConfigError(
            f"views stand on the tables of {now}, and would go with them",
            expected="no views of others on these tables: they are replaced with every release",
            found=", ".join(views[:5]) + (f" and {len(views) - 5} more" if len(views) > 5 else ""),
            remedy="define them in the BI tool, or drop them and create them again after each night",
        )
    readers = [reader for (reader,) in _rows(cursor, READERS.format(schema=literal(now)))]
    if _rows(cursor, f"select 1 where to_regnamespace({literal(now)}) is not null"):
        cursor.execute(f"alter schema {identifier(now)} rename to {identifier(former)}")
    cursor.execute(f"alter schema {identifier(coming)} rename to {identifier(now)}")
    cursor.execute(f"comment on schema {identifier(now)} is {literal(release_id)}")
    for reader in readers:
        cursor.execute(f"grant usage on schema {identifier(now)} to {identifier(reader)}")
        cursor.execute(f"grant select on all tables in schema {identifier(now)} to {identifier(reader)}")


def _rows(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]
