"""Records that are linked become one entity."""

from __future__ import annotations

import logging

import duckdb


def cluster(connection: duckdb.DuckDBPyConnection, nodes: str, edges: str, out: str) -> None:
    """Writes `out`(node, cluster_id): the connected components.

    Args:
        nodes: a table with the column `node`.
        edges: a table with the columns `node_l`, `node_r`.
    """
    if not connection.execute(f"select 1 from {edges} limit 1").fetchone():
        connection.execute(f"create or replace temp table {out} as select node, node as cluster_id from {nodes}")
        return
    logging.getLogger("splink").setLevel(logging.WARNING)
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    found = cluster_pairwise_predictions_at_threshold(
        connection.table(nodes),
        connection.sql(f"select node_l, node_r, 1.0 as match_probability from {edges}"),
        db_api=DuckDBAPI(connection=connection),
        node_id_column_name="node",
        threshold_match_probability=0.5,
    )
    connection.execute(f"create or replace temp table {out} as select node, cluster_id from {found.physical_name}")
    found.drop_table_from_database_and_remove_from_cache()


def live(name: str, table: str, key: str) -> str:
    """A recursive CTE `name`(id): records that are not deleted, and deleted ones that were merged into such."""
    return f"""{name} as (
        select {key} as id from staging.{table} where not coalesce(is_deleted, false)
        union
        select r.{key} from staging.{table} as r join {name} as l on l.id = r.merged_into_id
    )"""
