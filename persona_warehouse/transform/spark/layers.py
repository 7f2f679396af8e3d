"""One layer of the models on Spark, with what it reads brought there and what it makes shown to DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from persona_warehouse.settings import Settings
from persona_warehouse.transform.spark import exchange
from persona_warehouse.transform.spark.python_models import register
from persona_warehouse.transform.spark.session import session

READS = {"staging": ("seeds",), "marts": ("seeds", "identity")}
MAKES = {"staging": ("staging", "quarantine"), "marts": ("intermediate", "marts")}


@contextmanager
def on_spark(settings: Settings, layer: str, loads: str) -> Iterator[None]:
    """A session in which dbt builds a layer."""
    register()
    spark = session(settings)
    try:
        exchange.show_landing(spark, settings, loads)
        for schema in READS[layer]:
            exchange.give_tables(spark, settings, schema)
        yield
    finally:
        # the metastore of a home has one user at a time
        spark.stop()
    for schema in MAKES[layer]:
        exchange.take_tables(settings, schema)
