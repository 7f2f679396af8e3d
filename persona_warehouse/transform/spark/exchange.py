"""What Python makes and what Spark makes, each where the other reads it: Parquet files both ways."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq

from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.settings import Settings
from persona_warehouse.transform.spark.session import folder
from persona_warehouse.warehouse import connect, identifier, literal, scratch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def show_landing(spark: SparkSession, settings: Settings, loads: str) -> None:
    """Makes the landing zone known to Spark: `crm.companies` and so on with the name of each row's file, and
    `landing.loads`.

    Args:
        loads: DuckDB's query of the manifests, as the models' source has it.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    for stream in STREAMS:
        spark.sql(f"create schema if not exists {stream}")
        for name in objects(stream):
            place = settings.landing / stream / name
            columns = from_arrow_schema(pq.read_schema(place / "_schema.parquet")).toDDL()
            spark.sql(f"drop table if exists {stream}.{name}_files")
            spark.sql(
                f"create table {stream}.{name}_files ({columns}) using parquet"
                f" options (recursiveFileLookup 'true', pathGlobFilter '*.parquet') location {literal(place)}"
            )
            spark.sql(
                f"create or replace view {stream}.{name} as"
                f" select *, _metadata.file_path as filename from {stream}.{name}_files"
            )
    with scratch() as connection:
        connection.execute("set variable persona_home = $home", {"home": str(settings.home)})
        _give(spark, settings, "landing", "loads", connection.sql(f"select * from {loads}"))


def give_tables(spark: SparkSession, settings: Settings, schema: str) -> None:
    """Writes the tables of a schema of the warehouse file where Spark reads them."""
    with connect(settings.warehouse_file, read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = ? and database_name = current_database()",
            [schema],
        ).fetchall()
        for (table,) in tables:
            relation = connection.table(f"{identifier(schema)}.{identifier(table)}")
            _give(spark, settings, schema, table, relation)


def _give(spark: SparkSession, settings: Settings, schema: str, table: str, relation: duckdb.DuckDBPyRelation) -> None:
    place = folder(settings) / f"{schema}.db" / table
    spark.sql(f"create schema if not exists {schema}")
    spark.sql(f"drop table if exists {schema}.{table}")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    # the widest whole numbers have no name in Parquet and would become floating
    kinds = zip(relation.columns, relation.types, strict=True)
    casts = [
        f"cast({identifier(name)} as decimal(38, 0)) as {identifier(name)}"
        if str(kind) == "HUGEINT"
        else identifier(name)
        for name, kind in kinds
    ]
    relation.select(", ".join(casts)).to_parquet(str(place / "part.parquet"))
    spark.sql(f"create table {schema}.{table} using parquet location {literal(place)}")


def take_tables(settings: Settings, schema: str) -> None:
    """Makes Spark's tables of a schema views of the warehouse file."""
    with connect(settings.warehouse_file) as connection:
        connection.execute(f"create schema if not exists {identifier(schema)}")
        tables = dict(
            connection.execute(
                "select table_name, table_type from information_schema.tables where table_schema = ?", [schema]
            ).fetchall()
        )
        for place in sorted((folder(settings) / f"{schema}.db").glob("*/")):
            name = f"{identifier(schema)}.{identifier(place.name)}"
            if tables.get(place.name) == "BASE TABLE":
                connection.execute(f"drop table {name}")
            files = literal(place / "*.parquet")
            connection.execute(f"create or replace view {name} as select * from read_parquet({files})")
