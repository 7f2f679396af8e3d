"""Kept releases without people: each that names them is written anew and takes its place.

Rows that are about them go; where they are only named, the name goes. What was counted over them stays as it was.
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path

import duckdb

from persona_warehouse import publish, warehouse
from persona_warehouse.files import private
from persona_warehouse.keyed_hash import keyed_hash
from persona_warehouse.landing.erasing import Patterns
from persona_warehouse.night.erasure.plan import Plan
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, literal

# mart -> columns that say who fills a place that stays when nobody does
FILLED = {"decision_chains": ("contact_id", "known_by", "is_recorded", "confidence")}
PAGES = (".html", ".json", ".css", ".js", ".txt")


def erase(settings: Settings, plan: Plan) -> dict[str, int]:
    """Rewrites the releases that name them; returns counts by place.

    Raises:
        PersonaError: a publication is under way.
    """
    counts = {"releases rewritten": 0, "releases: rows removed": 0, "releases: rows cleared": 0}
    marks = _marks(settings, plan)
    for old in publish.folders(settings):
        gone, cut = _count(old, marks)
        pages = [path for path in _pages(old) if _is_named(path, plan)]
        if not (gone or cut or pages):
            continue
        with publish.candidate(settings) as folder:
            _rewrite(settings, plan, marks, old, folder)
        counts["releases rewritten"] += 1
        counts["releases: rows removed"] += gone
        counts["releases: rows cleared"] += cut
    return {place: number for place, number in counts.items() if number}


def search(settings: Settings, plan: Plan) -> dict[str, int]:
    """Release -> how many rows and pages name them, of those that do."""
    marks = _marks(settings, plan)
    found = {}
    for folder in publish.folders(settings):
        named = sum(_count(folder, marks)) + sum(_is_named(path, plan) for path in _pages(folder))
        if named:
            found[folder.name] = named
    return found


def _marks(settings: Settings, plan: Plan) -> list[str]:
    """All values by which marts tell who a row is about: ids, and keyed hashes of what they do not show."""
    told = plan.people.identifiers
    hashed = {
        keyed_hash(settings, one)
        for kind in ("openid", "unionid", "cookie", "user", "email", "phone")
        for one in told.get(kind, ())
    }
    hashed |= {keyed_hash(settings, node) for node in plan.nodes}
    hashed |= {keyed_hash(settings, node.split("|", 2)[2]) for node in plan.nodes}
    leads = {f"{kind}:{one}" for kind in ("lead", "contact") for one in told.get(kind, ())}
    return sorted({*plan.contact_ids, *hashed, *leads})


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str, list[str]]]:
    """(schema, table, its text columns) of a release."""
    return connection.execute(
        """select schema_name, table_name, list(column_name order by column_index) filter (data_type = 'VARCHAR')
           from duckdb_columns() where database_name = $1 and not internal group by all order by all""",
        [database],
    ).fetchall()


def _goes(table: str, columns: list[str], marks: str) -> str:
    """Condition: a row is about them."""
    filled = FILLED.get(table, ())
    subjects = [one for one in columns if one not in filled and not _is_reference(one)]
    found = [f"{identifier(one)} in (select mark from {marks})" for one in subjects]
    return f"coalesce({' or '.join(found)}, false)" if found else "false"


def _cut(table: str, columns: list[str], marks: str) -> dict[str, str]:
    """Column -> SQL of what it holds after, of rows that stay."""
    found = {
        one: f"case when {identifier(one)} not in (select mark from {marks}) then {identifier(one)} end"
        for one in columns
        if _is_reference(one)
    }
    filled = FILLED.get(table, ())
    if filled and filled[0] in columns:
        kept = f"coalesce({identifier(filled[0])} not in (select mark from {marks}), true)"
        found |= {one: f"case when {kept} then {identifier(one)} end" for one in filled}
    return found


def _is_reference(column: str) -> bool:
    """A column that names somebody the row is not about: `sponsor_contact_id`."""
    return column.endswith("_contact_id")


def _databases(folder: Path) -> list[str]:
    """The databases of a release: the marts, and the restricted file if it has one."""
    return [name for name in (publish.DATABASE, publish.RESTRICTED) if (folder / name).exists()]


def _count(folder: Path, marks: list[str]) -> tuple[int, int]:
    counts = [_count_in(folder / name, marks) for name in _databases(folder)]
    return sum(gone for gone, _ in counts), sum(cut for _, cut in counts)


def _count_in(file: Path, marks: list[str]) -> tuple[int, int]:
    gone = cut = 0
    with warehouse.connect(file, read_only=True) as connection:
        _give(connection, marks)
        for schema, table, columns in _tables(connection, folder_name(connection)):
            columns = columns or []
            goes = _goes(table, columns, "temp.marks")
            changes = [
                f"{identifier(one)} is distinct from {sql}"
                for one, sql in _cut(table, columns, "temp.marks").items()
                if one in columns
            ]
            ((a, b),) = connection.execute(
                f"select count(*) filter ({goes}), count(*) filter (not {goes} and ({' or '.join(changes) or 'false'}))"
                f" from {identifier(schema)}.{identifier(table)}"
            ).fetchall()
            gone, cut = gone + a, cut + b
    return gone, cut


def folder_name(connection: duckdb.DuckDBPyConnection) -> str:
    """The name under which a connection knows the file it was opened on."""
    return str(connection.execute("select current_database()").fetchall()[0][0])


def _give(connection: duckdb.DuckDBPyConnection, marks: list[str]) -> None:
    connection.execute("create or replace temp table marks as select unnest($1::varchar[]) as mark", [marks])


def _rewrite(settings: Settings, plan: Plan, marks: list[str], old: Path, folder: Path) -> None:
    manifest = publish.read_release(old).manifest
    patterns = Patterns.of(plan.people)
    for path in sorted(old.rglob("*")):
        target = folder / path.relative_to(old)
        if path.is_dir():
            target.mkdir()
        elif path.suffix in PAGES and path.name != publish.MANIFEST:
            target.write_text(patterns.clear(path.read_text(encoding="utf-8")), encoding="utf-8")
        elif path.suffix not in (".duckdb", ".parquet") and path.name != publish.MANIFEST:
            shutil.copy(path, target)
    for name in _databases(old):
        _rewrite_database(old / name, folder / name, marks)
    with warehouse.connect(folder / publish.DATABASE, read_only=True) as connection:
        for file in sorted((old / "marts").glob("*.parquet")):
            target = folder / "marts" / file.name
            connection.execute(
                f"copy marts.{identifier(file.stem)} to {literal(target)} (format parquet, compression zstd)"
            )
    tables = publish.describe_tables(folder)
    release_id = publish.new_release_id(tables, old.name.rpartition("-")[0])
    if release_id == old.name:
        # nothing but its pages was changed
        release_id += "e"
    fresh = {
        **{key: value for key, value in manifest.items() if key != "files"},
        "release_id": release_id,
        "tables": tables,
        "erasures": [*manifest.get("erasures", []), plan.erasure_id],
    }
    publish.supersede(settings, old, folder, fresh)


def _rewrite_database(old: Path, new: Path, marks: list[str]) -> None:
    with (
        private() if old.name == publish.RESTRICTED else nullcontext(),
        warehouse.connect(new, for_readers=True) as connection,
    ):
        warehouse.attach(connection, old, "old")
        _give(connection, marks)
        for schema, table, columns in _tables(connection, "old"):
            columns = columns or []
            replaced = ", ".join(
                f"{sql} as {identifier(one)}" for one, sql in _cut(table, columns, "temp.marks").items()
            )
            name = f"{identifier(schema)}.{identifier(table)}"
            connection.execute(f"create schema if not exists {identifier(schema)}")
            connection.execute(
                f"create table {name} as select *{f' replace ({replaced})' if replaced else ''} from old.{name}"
                f" where not {_goes(table, columns, 'temp.marks')}"
            )
        _copy_comments(connection)
        connection.execute("detach old")
        connection.execute("checkpoint")


def _copy_comments(connection: duckdb.DuckDBPyConnection) -> None:
    said = connection.execute(
        """select schema_name, table_name, null, comment from duckdb_tables()
           where database_name = 'old' and comment is not null
           union all
           select schema_name, table_name, column_name, comment from duckdb_columns()
           where database_name = 'old' and comment is not null"""
    ).fetchall()
    for schema, table, column, comment in said:
        name = f"{identifier(schema)}.{identifier(table)}"
        target = f"column {name}.{identifier(column)}" if column else f"table {name}"
        connection.execute(f"comment on {target} is {literal(comment)}")


def _pages(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix in PAGES and path.name != publish.MANIFEST]


def _is_named(path: Path, plan: Plan) -> bool:
    text = path.read_text(encoding="utf-8")
    return Patterns.of(plan.people).clear(text) != text
