"""What a night has the engine do, by one connection of the engine: the statements that dbt ran, without dbt."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse.files import read_json, write_json
from persona_warehouse.keyed_hash import give_key
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, literal

FILE = "persona.duckdb"  # statements name the database by its file


def remember(settings: Settings, out: Path) -> None:
    """Keeps dbt's last statements, in the order they ran."""
    target = settings.home / "dbt_target"
    nodes = read_json(target / "manifest.json")["nodes"]
    kept = []
    for result in read_json(target / "run_results.json")["results"]:
        node = nodes[result["unique_id"]]
        if node["resource_type"] in ("model", "test"):
            kept.append(
                {
                    "kind": "test" if node["resource_type"] == "test" else node["config"]["materialized"],
                    "relation": result["relation_name"],
                    "schema": node["schema"],
                    "file": node["original_file_path"] if node.get("language") == "python" else None,
                    "code": result["compiled_code"],
                }
            )
    write_json(out, kept)


def before_staging(settings: Settings, folder: Path) -> None:
    """A database with the seeds alone."""
    _fresh(folder)
    with duckdb.connect(str(folder / FILE)) as connection:
        connection.execute(f"attach {literal(settings.warehouse_file)} as ours (read_only)")
        connection.execute("create schema seeds")
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'ours' and schema_name = 'seeds'"
        ).fetchall():
            connection.execute(f"create table seeds.{identifier(table)} as from ours.seeds.{identifier(table)}")


def before_marts(settings: Settings, folder: Path) -> None:
    """The warehouse as it stands."""
    _fresh(folder)
    shutil.copy(settings.warehouse_file, folder / FILE)


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def run(settings: Settings, folder: Path, statements: Path) -> int:
    """Runs the statements, in the session that dbt would have, and returns how many."""
    kept: list[dict[str, Any]] = read_json(statements)
    with duckdb.connect(str(folder / FILE)) as connection:
        connection.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
        connection.execute("set variable persona_home = $home", {"home": str(settings.home)})
        give_key(connection, settings)
        for schema in {one["schema"] for one in kept if one["kind"] != "test"}:
            connection.execute(f"create schema if not exists {identifier(schema)}")
        for one in kept:
            if one["kind"] == "test":
                connection.execute(f"select count(*) from ({one['code']})").fetchall()
            elif one["file"]:
                found = _called(settings.dbt_project / one["file"], connection)  # noqa: F841 - read by the engine
                connection.execute(f"create or replace table {one['relation']} as from found")
            else:
                what = "view" if one["kind"] == "view" else "table"
                connection.execute(f"create or replace {what} {one['relation']} as {one['code']}")
    return len(kept)


def _called(file: Path, connection: duckdb.DuckDBPyConnection) -> Any:
    """What a Python model gives."""

    class Project:
        """As much of dbt as the models ask for."""

        def config(self, **_: Any) -> None:
            """Says nothing here."""

        def ref(self, name: str) -> duckdb.DuckDBPyRelation:
            schema = "staging" if name.startswith("stg_") else "intermediate"
            return connection.table(f"{schema}.{name}")

    names: dict[str, Any] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)  # noqa: S102 - the project's own models
    return names["model"](Project(), connection)
