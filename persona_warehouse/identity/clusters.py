"""Records that share a key become one entity, and an entity keeps its id for good."""

from __future__ import annotations

import logging

import duckdb

from persona_warehouse.keyed_hash import give_key
from persona_warehouse.settings import Settings

HASHED = "left(sha256(getvariable('hmac_outer') || unhex(sha256(getvariable('hmac_inner') || encode({text})))), 16)"


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


def assign_ids(
    connection: duckdb.DuckDBPyConnection, settings: Settings, entity: str, prefix: str, clusters: str
) -> None:
    """Gives every cluster the id that its members had, or a new one.

    Where two entities merge, the older id stays; where one splits, its id stays with the part that holds the most of
    its former members. Both go to identity.changes. All is decided by minima, so the order of rows never matters.

    Args:
        entity: contact or account.
        prefix: of new ids.
        clusters: a table (node, cluster_id).
    """
    give_key(connection, settings)
    day = f"date '{settings.business_date}'"
    connection.execute(
        """create table if not exists identity.assigned
           (entity varchar, node varchar, entity_id varchar, assigned_on date, primary key (entity, node))"""
    )
    connection.execute(
        """create table if not exists identity.changes
           (change_id varchar primary key, entity varchar, change varchar, id_before varchar, id_after varchar,
            reason varchar, changed_on date)"""
    )
    connection.execute(f"""
    create or replace temp table prior_ids as
    select c.cluster_id, a.entity_id, count(*) as members, min(a.assigned_on) as since, min(c.node) as anchor
    from {clusters} as c join identity.assigned as a on a.node = c.node and a.entity = '{entity}'
    group by all""")
    # an id's home is the one cluster that may keep it, and a cluster keeps the oldest of those at home there
    connection.execute("""
    create or replace temp table homes as
    select * from prior_ids
    qualify row_number() over (partition by entity_id order by members desc, anchor) = 1""")
    connection.execute("""
    create or replace temp table kept_ids as
    select cluster_id, entity_id from homes
    qualify row_number() over (partition by cluster_id order by since, entity_id) = 1""")
    # the first member names the entity; a name that an older entity bears is salted with the day
    name = HASHED.format(text=f"'{entity}' || '|' || anchor")
    salted = HASHED.format(text=f"'{entity}' || '|' || anchor || '|{settings.business_date}'")
    connection.execute(f"""
    create or replace temp table final_ids as
    with anchors as (select cluster_id, min(node) as anchor from {clusters} group by cluster_id),
    named as (
        select a.cluster_id, k.entity_id as kept, '{prefix}' || {name} as plain, '{prefix}' || {salted} as salted
        from anchors as a left join kept_ids as k using (cluster_id)
    )
    select cluster_id,
           coalesce(kept, case when plain in (select entity_id from identity.assigned where entity = '{entity}')
                               then salted else plain end) as entity_id
    from named""")
    connection.execute(f"""
    insert or ignore into identity.changes
    select left(sha256(concat_ws('|', '{entity}', change, id_before, id_after, cast({day} as varchar))), 16),
           '{entity}', change, id_before, id_after, reason, {day}
    from (
        select distinct p.entity_id as id_before, f.entity_id as id_after,
               case when h.cluster_id = p.cluster_id then 'merge' else 'split' end as change,
               case when h.cluster_id = p.cluster_id then 'their records now share a key'
                    else 'its records no longer share a key' end as reason
        from prior_ids as p
        join final_ids as f using (cluster_id)
        join homes as h on h.entity_id = p.entity_id
        where p.entity_id <> f.entity_id
    )""")
    connection.execute(f"""
    insert or replace into identity.assigned
    select '{entity}', c.node, f.entity_id,
           coalesce((select min(a.assigned_on) from identity.assigned as a
                     where a.entity = '{entity}' and a.entity_id = f.entity_id), {day})
    from {clusters} as c join final_ids as f using (cluster_id)""")


def live(name: str, table: str, key: str) -> str:
    """A recursive CTE `name`(id): records that are not deleted, and deleted ones that were merged into such."""
    return f"""{name} as (
        select {key} as id from staging.{table} where not coalesce(is_deleted, false)
        union
        select r.{key} from staging.{table} as r join {name} as l on l.id = r.merged_into_id
    )"""
