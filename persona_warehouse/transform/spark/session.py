"""The Spark session that dbt, the Python models and the exchange share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from persona_warehouse.keyed_hash import hash_key, pads
from persona_warehouse.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# what the models' answers depend on; a cluster's size, memory and addresses are its own settings
MEANINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.sources.default": "parquet",
    "spark.sql.parquet.mergeSchema": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # a backslash in a pattern is a backslash, as the standard has it
    "spark.sql.parser.escapedStringLiterals": "true",
}


def session(settings: Settings) -> SparkSession:
    """The session: with the master, sizes and metastore of `spark-defaults.conf` and `hive-site.xml` (SPARK_CONF_DIR),
    else of PYSPARK_SUBMIT_ARGS, else of this machine alone, with a metastore in the home."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("persona_warehouse").enableHiveSupport()
    wanted = {**MEANINGS, "spark.sql.warehouse.dir": str(folder(settings))}
    if not Path(os.environ.get("SPARK_CONF_DIR", "/nowhere"), "hive-site.xml").is_file():
        metastore = f"jdbc:derby:;databaseName={folder(settings) / '_metastore'};create=true"
        wanted["spark.hadoop.javax.jdo.option.ConnectionURL"] = metastore
        # its log would come to lie in the folder that the program was called from
        wanted["spark.driver.extraJavaOptions"] = f"-Dderby.system.home={folder(settings)}"
    for name, value in wanted.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for name, pad in pads(hash_key(settings)).items():
        spark.sql(f"declare or replace variable {name} binary default unhex('{pad}')")
    return spark


def folder(settings: Settings) -> Path:
    """Where Spark's tables lie: `<schema>.db/<table>/*.parquet`."""
    return settings.home / "spark"
