"""An entity keeps its id for good, and whatever changes is written down.

Kept: identity.assigned, the entity that each record was ever given to; identity.history, from when to when; identity
.changes, what began, merged, split or moved, when and why; identity.aliases, the present id of every former one.
"""

from __future__ import annotations

import duckdb

from persona_warehouse.keyed_hash import give_key
from persona_warehouse.settings import Settings

HASHED = "left(sha256(getvariable('hmac_outer') || unhex(sha256(getvariable('hmac_inner') || encode({text})))), 16)"
TABLES = """
create table if not exists identity.assigned
(entity varchar, node varchar, entity_id varchar, assigned_on date, primary key (entity, node));
create table if not exists identity.changes
(change_id varchar primary key, entity varchar, change varchar, id_before varchar, id_after varchar, reason varchar,
 changed_on date, records varchar[], record_count bigint);
create table if not exists identity.history
(entity varchar, node varchar, entity_id varchar, valid_from date, valid_to date);
create table if not exists identity.aliases
(entity varchar, old_id varchar, entity_id varchar, primary key (entity, old_id))"""


def create_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """The ledger's tables, where they are not."""
    connection.execute("create schema if not exists identity")
    for statement in TABLES.split(";"):
        connection.execute(statement)
    # as an earlier version made it
    connection.execute("alter table identity.changes add column if not exists records varchar[]")
    connection.execute("alter table identity.changes add column if not exists record_count bigint")


def assign_ids(
    connection: duckdb.DuckDBPyConnection, settings: Settings, entity: str, prefix: str, clusters: str
) -> None:
    """Gives every cluster the id that its members had, or a new one.

    Where two entities merge, the older id stays; where one splits, its id stays with the part that holds the most of
    its former members. Records that leave for an entity that was there before have moved. All of it goes to
    identity.changes. All is decided by minima, so the order of rows never matters.

    Args:
        entity: contact or account.
        prefix: of new ids.
        clusters: a table (node, cluster_id).
    """
    give_key(connection, settings)
    create_ledger(connection)
    connection.execute(f"""
    create or replace temp table prior_ids as
    select c.cluster_id, a.entity_id, count(*) as members, min(a.assigned_on) as since, min(c.node) as anchor,
           list(c.node order by c.node) as records
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
    # the first member names the entity; a name that an older entity bears or bore is salted with the day
    name = HASHED.format(text=f"'{entity}' || '|' || anchor")
    salted = HASHED.format(text=f"'{entity}' || '|' || anchor || '|{settings.business_date}'")
    connection.execute(f"""
    create or replace temp table final_ids as
    with anchors as (select cluster_id, min(node) as anchor from {clusters} group by cluster_id),
    named as (
        select a.cluster_id, k.entity_id as kept, '{prefix}' || {name} as plain, '{prefix}' || {salted} as salted
        from anchors as a left join kept_ids as k using (cluster_id)
    ),
    borne as (
        select entity_id from identity.assigned where entity = '{entity}'
        union select entity_id from identity.history where entity = '{entity}'
    )
    select cluster_id, kept is null as is_new,
           coalesce(kept, case when plain in (select entity_id from borne) then salted else plain end) as entity_id
    from named""")
    _note_changes(connection, settings, entity, clusters)
    _assign(connection, settings, entity, clusters)
    _find_aliases(connection, entity)


def _note_changes(connection: duckdb.DuckDBPyConnection, settings: Settings, entity: str, clusters: str) -> None:
    day = f"date '{settings.business_date}'"
    connection.execute(f"""
    create or replace temp table new_changes as
    select p.entity_id as id_before, f.entity_id as id_after, p.cluster_id, p.records,
           case when h.cluster_id = p.cluster_id then 'merge' when f.is_new then 'split' else 'moved' end as change
    from prior_ids as p
    join final_ids as f using (cluster_id)
    join homes as h on h.entity_id = p.entity_id
    where p.entity_id <> f.entity_id
    union all
    select null, f.entity_id, f.cluster_id, list(c.node order by c.node), 'new'
    from final_ids as f join {clusters} as c using (cluster_id)
    where f.is_new and f.cluster_id not in (select cluster_id from prior_ids)
    group by all""")
    connection.execute(f"""
    insert or ignore into identity.changes
    select left(sha256(concat_ws('|', '{entity}', change, id_before, id_after, cast({day} as varchar))), 16),
           '{entity}', change, id_before, id_after,
           case change when 'merge' then 'their records are linked now' || {_links_across(connection, entity, clusters)}
                       when 'split' then 'its records are no longer linked'
                       when 'moved' then 'its records are linked to another now'
                       else 'records that nobody was known by' end,
           {day}, records, len(records)
    from new_changes""")
    connection.execute("drop table new_changes")


def _links_across(connection: duckdb.DuckDBPyConnection, entity: str, clusters: str) -> str:
    """SQL: by what the records of a change are linked to records that were not of its entity."""
    known = "select 1 from duckdb_tables() where schema_name = 'identity' and table_name = 'links'"
    if not connection.execute(known).fetchone():
        return "''"
    connection.execute(f"""
    create or replace temp table links_across as
    with sides as (
        select node_l as node, node_r as other, method from identity.links where entity = '{entity}'
        union all
        select node_r, node_l, method from identity.links where entity = '{entity}'
    ),
    records as (
        select id_before, cluster_id, unnest(records) as node from new_changes where change = 'merge'
    )
    select r.id_before, r.cluster_id, string_agg(distinct s.method, ', ' order by s.method) as methods
    from records as r
    join sides as s on s.node = r.node
    join {clusters} as c on c.node = s.other and c.cluster_id = r.cluster_id
    where s.other not in (select node from records as o where o.id_before = r.id_before)
    group by all""")
    return """coalesce((select ': ' || methods from links_across as l
                        where l.id_before = new_changes.id_before and l.cluster_id = new_changes.cluster_id), '')"""


def _assign(connection: duckdb.DuckDBPyConnection, settings: Settings, entity: str, clusters: str) -> None:
    """Writes identity.assigned and identity.history, only where something is other than before."""
    day = f"date '{settings.business_date}'"
    connection.execute(f"""
    create or replace temp table given as
    select c.node, f.entity_id, a.entity_id as former_id,
           coalesce((select min(o.assigned_on) from identity.assigned as o
                     where o.entity = '{entity}' and o.entity_id = f.entity_id), {day}) as assigned_on
    from {clusters} as c
    join final_ids as f using (cluster_id)
    left join identity.assigned as a on a.entity = '{entity}' and a.node = c.node
    where a.entity_id is distinct from f.entity_id""")
    connection.execute(f"""
    insert or replace into identity.assigned select '{entity}', node, entity_id, assigned_on from given""")
    # twice on one day is the day's last word
    connection.execute(f"""
    delete from identity.history as h using given as g
    where h.entity = '{entity}' and h.node = g.node and h.valid_from = {day} and h.valid_to is null""")
    connection.execute(f"""
    update identity.history as h set valid_to = {day} from given as g
    where h.entity = '{entity}' and h.node = g.node and h.valid_to is null""")
    connection.execute(f"insert into identity.history select '{entity}', node, entity_id, {day}, null from given")
    connection.execute("drop table given")


def _find_aliases(connection: duckdb.DuckDBPyConnection, entity: str) -> None:
    """identity.aliases: every id that has merged into another, with what that is called now."""
    connection.execute(f"delete from identity.aliases where entity = '{entity}'")
    connection.execute(f"""
    insert into identity.aliases
    with recursive present as (select distinct entity_id from identity.assigned where entity = '{entity}'),
    merged as (
        select id_before, arg_max(id_after, (changed_on, change_id)) as id_after
        from identity.changes
        where entity = '{entity}' and change = 'merge' and id_before not in (select entity_id from present)
        group by id_before
    ),
    followed as (
        select id_before as old_id, id_after as entity_id from merged
        union
        select f.old_id, m.id_after from followed as f join merged as m on m.id_before = f.entity_id
    )
    select '{entity}', old_id, entity_id from followed where entity_id in (select entity_id from present)""")
