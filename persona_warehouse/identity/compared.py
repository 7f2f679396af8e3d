"""Records of one entity compared night after night, and only what changed is.

Kept: the model (identity.models, with tables of what it knows of frequencies), every record in the form in which it was
compared, and the scored pairs (identity.links). A night compares the records that are new or read otherwise than
before with all others; by the same model, so that night after night gives what one night over everything would. When
the records have grown by half since the training, the model is trained anew and everything is compared again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb

from persona_warehouse.identity import linkage
from persona_warehouse.identity.linkage import Design, Model

GROWTH = 1.5


@dataclass(frozen=True)
class Compared:
    """An entity's records as they are compared.

    Attributes:
        entity: contact or account.
        kept: the table of the features of last night, such as identity.account_features; beside it stand
            <kept>_terms and <kept>_crowded.
        blocks: block -> (expression, how many records may share a value).
        least: less probable pairs are not kept.
        names: SQL over s, l, r, what a scored pair's names say (`grouping.group`).
    """

    entity: str
    kept: str
    blocks: Mapping[str, tuple[str, int]]
    least: float
    names: str

    @property
    def terms(self) -> str:
        return f"{self.kept}_terms"

    @property
    def crowded(self) -> str:
        return f"{self.kept}_crowded"


def compare(
    connection: duckdb.DuckDBPyConnection, compared: Compared, now: str, design_of: Callable[[int], Design]
) -> Model:
    """Brings the kept features and the scored pairs up to tonight.

    Args:
        now: temp table of tonight's features, with `node`, `entity` and the block_ columns.
        design_of: the design for a number of records.

    Returns:
        the model by which they were scored.
    """
    _create(connection)
    connection.execute(f"alter table {now} add column fingerprint ubigint")
    # whom the keys join is no part of how a record reads
    connection.execute(f"""
    update {now} as f set fingerprint = hash(p)
    from (select * exclude (entity, fingerprint) from {now}) as p where p.node = f.node""")
    model = _model(connection, compared, now, design_of)
    _compare_changed(connection, compared, model, now)
    return model


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
    create table if not exists identity.models
    (entity varchar primary key, records bigint, model varchar, compared varchar)""")
    connection.execute("""
    create table if not exists identity.links
    (entity varchar, node_l varchar, node_r varchar, method varchar, match_weight double, match_probability double,
     names integer)""")


def _model(
    connection: duckdb.DuckDBPyConnection, compared: Compared, now: str, design_of: Callable[[int], Design]
) -> Model:
    kept = connection.execute(
        "select records, model from identity.models where entity = ?", [compared.entity]
    ).fetchone()
    count = connection.execute(f"select count(distinct entity) from {now}").fetchone()
    records = count[0] if count else 0
    grown = records >= linkage.FEWEST_RECORDS and (not kept or records > GROWTH * kept[0])
    if kept and not grown:
        return Model.from_json(kept[1])
    model = linkage.train(connection, design_of(records), now, frequencies=compared.terms)
    _count_crowded(connection, compared, now)
    if not model.records:
        # too few to learn from is too few to be crowded
        connection.execute(f"delete from {compared.crowded}")
        connection.execute(f"delete from {compared.terms}")
    connection.execute(
        "insert or replace into identity.models values (?, ?, ?, ?)",
        [compared.entity, model.records, model.to_json(), compared.kept],
    )
    # everything is compared again
    connection.execute(f"drop table if exists {compared.kept}")
    connection.execute("delete from identity.links where entity = ?", [compared.entity])
    # as the next night will read it
    return Model.from_json(model.to_json())


def _count_crowded(connection: duckdb.DuckDBPyConnection, compared: Compared, now: str) -> None:
    parts = " union all ".join(
        f"select '{name}' as block, block_{name} as value from {now} where block_{name} is not null "
        f"group by block_{name} having count(*) > {most}"
        for name, (_, most) in compared.blocks.items()
    )
    connection.execute(f"create or replace table {compared.crowded} as {parts}")


def _compare_changed(connection: duckdb.DuckDBPyConnection, compared: Compared, model: Model, now: str) -> None:
    entity = compared.entity
    connection.execute(f"create table if not exists {compared.kept} as select * from {now} where false")
    connection.execute(f"""
    create or replace temp table changed_records as
    select n.node from {now} as n left join {compared.kept} as o using (node)
    where o.node is null or o.fingerprint <> n.fingerprint""")
    connection.execute(f"""
    create or replace temp table stale_records as
    select node from changed_records
    union
    select node from {compared.kept} where node not in (select node from {now})""")
    connection.execute(f"""
    delete from identity.links
    where entity = '{entity}' and (method <> 'likeness' or node_l in (select node from stale_records)
        or node_r in (select node from stale_records))""")
    columns = [
        f"case when block_{name} not in (select value from {compared.crowded} where block = '{name}') "
        f"then block_{name} end as block_{name}"
        for name in compared.blocks
    ]
    connection.execute(f"""
    create or replace temp table fresh_records as
    select * replace ({", ".join(columns)}) from {now} semi join changed_records using (node)""")
    before = _count(connection, compared.kept)
    connection.execute(f"delete from {compared.kept} where node in (select node from stale_records)")
    connection.execute(f"insert into {compared.kept} by name from fresh_records")
    if _count(connection, "changed_records"):
        linkage.score(
            connection, model, compared.kept, "scored_records", least=compared.least,
            new="changed_records" if before else None,
        )  # fmt: skip
        connection.execute(f"""
        insert into identity.links
        select '{entity}', node_l, node_r, 'likeness', match_weight, match_probability, null from scored_records""")
        connection.execute("drop table scored_records")
    for table in ("changed", "stale", "fresh"):
        connection.execute(f"drop table {table}_records")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    return int(found[0]) if found else 0


def score_inside(connection: duckdb.DuckDBPyConnection, compared: Compared, model: Model, pairs: str, out: str) -> None:
    """Scores pairs with what their names say, for `grouping.group`; what was scored so before is taken as it is."""
    entity = compared.entity
    named = f"(select * from identity.links where entity = '{entity}' and names is not null)"
    connection.execute(f"""
    create or replace temp table pairs_to_name as
    select distinct p.node_l, p.node_r from {pairs} as p anti join {named} as k using (node_l, node_r)""")
    if _count(connection, "pairs_to_name"):
        linkage.score(
            connection, model, compared.kept, "levelled_records", least=0.0, pairs="pairs_to_name", levels=True
        )
        connection.execute(f"""
        delete from identity.links as k using pairs_to_name as p
        where k.entity = '{entity}' and k.node_l = p.node_l and k.node_r = p.node_r""")
        connection.execute(f"""
        insert into identity.links
        select '{entity}', s.node_l, s.node_r, 'likeness', s.match_weight, s.match_probability, {compared.names}
        from levelled_records as s
        join {compared.kept} as l on l.node = s.node_l
        join {compared.kept} as r on r.node = s.node_r""")
        connection.execute("drop table levelled_records")
    connection.execute("drop table pairs_to_name")
    connection.execute(f"""
    create or replace temp table {out} as
    select k.node_l, k.node_r, k.match_weight, k.names
    from identity.links as k semi join {pairs} as p using (node_l, node_r)
    where k.entity = '{entity}' and k.names is not null""")


def keep_links(connection: duckdb.DuckDBPyConnection, entity: str, joined: str, clusters: str, out: str) -> None:
    """Adds the links of keys to identity.links, and writes `out`(node, match_method, match_probability).

    A record is as sure as the likeliest link that joins it.

    Args:
        joined: (node_l, node_r, method, match_probability): what keys, the CRM and decisions link.
        clusters: (node, cluster_id).
    """
    connection.execute(f"""
    insert into identity.links
    select distinct '{entity}', least(e.node_l, e.node_r), greatest(e.node_l, e.node_r), e.method, cast(null as double),
           e.match_probability, cast(null as integer)
    from {joined} as e
    join {clusters} as l on l.node = e.node_l join {clusters} as r on r.node = e.node_r
    where l.cluster_id = r.cluster_id""")
    connection.execute(f"""
    create or replace temp table {out} as
    with links as (
        select k.node_l, k.node_r, k.method, k.match_probability
        from identity.links as k
        join {clusters} as l on l.node = k.node_l join {clusters} as r on r.node = k.node_r
        where k.entity = '{entity}' and l.cluster_id = r.cluster_id
    ),
    sides as (
        select node_l as node, method, match_probability from links
        union all
        select node_r, method, match_probability from links
    ),
    -- keys are told before likeness, and a decision where the data would not have joined it
    ranked as (
        select *, case when method = 'decision' then 2 when method <> 'likeness' then 0
                       when match_probability >= 0.5 then 1 else 3 end as rank
        from sides
    ),
    told as (
        select node, string_agg(distinct method, ', ' order by method) as match_method,
               max(match_probability) as match_probability
        from (select *, min(rank) over (partition by node) as best from ranked)
        where rank = best
        group by node
    )
    select c.node, coalesce(t.match_method, 'single record') as match_method,
           coalesce(t.match_probability, 1.0) as match_probability
    from {clusters} as c left join told as t using (node)""")
