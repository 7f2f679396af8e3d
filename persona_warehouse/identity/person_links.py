"""Persons by likeness: what keys leave apart is compared by name, company and the rest, and only what changed is.

Kept from night to night: the model (identity.models, with identity.person_terms and identity.person_crowded, what it
knows of frequencies), every record in the form in which it was compared (identity.person_features), and the scored
pairs (identity.links). A night compares the records that are new or read otherwise than before with all others; by
the same model, so that night after night gives what one night over everything would. When the records have grown by
half since the training, the model is trained anew and everything is compared again.
"""

from __future__ import annotations

import duckdb

from persona_warehouse.identity import linkage
from persona_warehouse.identity.clusters import cluster
from persona_warehouse.identity.grouping import MOST, group
from persona_warehouse.identity.linkage import Model
from persona_warehouse.identity.person_features import crowded_blocks, make_features, thin_blocks
from persona_warehouse.identity.person_model import is_other_mailbox, names_sql, person_design

ENTITY = "contact"
# two are one from this probability on; less likely pairs than the other are not kept
THRESHOLD, LEAST = 0.9, 0.05
GROWTH = 1.5

# hard keys make no pairs of their own here: they have linked already
BLOCKS = (
    "name", "name_company", "name_brand", "name_domain", "family_company", "family_brand", "given_company", "local",
)  # fmt: skip
COMPARED = ("name", "email", "phone", "unionid", "openid", "user_id", "company", "title")
DESIGN = person_design(BLOCKS, COMPARED)
# an account on WeChat has one openid a person
FOLLOWERS = "wechat|followers|%"


def link_people(connection: duckdb.DuckDBPyConnection) -> None:
    """person_clusters(node, cluster_id) and person_methods(node, match_method, match_probability).

    Needs person_records, person_keys, person_edges, person_employers.
    """
    _must_and_may_not(connection)
    cluster(connection, "person_records", "person_edges", "person_bases")
    _features(connection)
    model = _model(connection)
    _compare_changed(connection, model)
    _bases(connection)
    group(
        connection, "person_nodes", "person_pairs", "person_apart", "person_groups_found",
        threshold=THRESHOLD, prior=model.prior,
        score_pairs=lambda pairs, out: _score_inside(connection, model, pairs, out),
    )  # fmt: skip
    connection.execute("""
    create or replace temp table person_clusters as
    select n.node, min(n.node) over (partition by g.cluster_id) as cluster_id
    from person_nodes as n join person_groups_found as g on g.base = n.base""")
    _methods(connection)


def _must_and_may_not(connection: duckdb.DuckDBPyConnection) -> None:
    """Decisions by hand (overrides): must-links are edges, cannot-links keep apart."""
    connection.execute("create or replace temp table person_apart (base_l varchar, base_r varchar)")
    connection.execute("create or replace temp table cannot_links (node_l varchar, node_r varchar)")
    connection.execute("""
    insert into person_edges
    select node_l, node_r, 'decision' from override_links
    where entity = 'contact' and rule = 'must_link'
      and node_l in (select node from person_records) and node_r in (select node from person_records)""")
    connection.execute("""
    insert into cannot_links
    select node_l, node_r from override_links
    where entity = 'contact' and rule = 'cannot_link'
      and node_l in (select node from person_records) and node_r in (select node from person_records)""")


def _features(connection: duckdb.DuckDBPyConnection) -> None:
    """person_features_now: every record as it is compared tonight, with a fingerprint of that."""
    connection.execute("""
    create or replace temp table comparable_records as
    with keys as (
        select node, max(key_value) filter (where key_type = 'email') as email,
               max(key_value) filter (where key_type = 'phone') as phone
        from person_keys group by node
    )
    select r.node, b.cluster_id as entity, r.full_name, k.email,
           case when not r.is_free_mail then r.email_domain end as email_domain, r.is_free_mail, k.phone, r.unionid,
           r.openid, r.user_id, e.likely_account_id as company, e.company_name,
           cast(null as varchar) as company_domain, cast(null as varchar) as city, r.job_title,
           cast(null as varchar) as birth_date
    from person_records as r
    join person_bases as b using (node)
    join person_employers as e using (node)
    left join keys as k using (node)""")
    make_features(connection, "comparable_records", "person_features_now")
    connection.execute("alter table person_features_now add column fingerprint ubigint")
    # whom the keys join is no part of how a record reads
    connection.execute("""
    update person_features_now as f set fingerprint = hash(p)
    from (select * exclude (entity, fingerprint) from person_features_now) as p where p.node = f.node""")


def _model(connection: duckdb.DuckDBPyConnection) -> Model:
    """The saved model, or a new one when there is none or the records have outgrown it."""
    connection.execute("""
    create table if not exists identity.models
    (entity varchar primary key, records bigint, model varchar, compared varchar)""")
    connection.execute("""
    create table if not exists identity.links
    (entity varchar, node_l varchar, node_r varchar, method varchar, match_weight double, match_probability double,
     names integer)""")
    kept = connection.execute(f"select records, model from identity.models where entity = '{ENTITY}'").fetchone()
    count = connection.execute("select count(distinct entity) from person_features_now").fetchone()
    records = count[0] if count else 0
    grown = records >= linkage.FEWEST_RECORDS and (not kept or records > GROWTH * kept[0])
    if kept and not grown and _are_comparable(connection):
        return Model.from_json(kept[1])
    model = linkage.train(connection, DESIGN, "person_features_now", frequencies="identity.person_terms")
    crowded_blocks(connection, "person_features_now", "identity.person_crowded")
    if not model.records:
        # too few to learn from is too few to be crowded
        connection.execute("delete from identity.person_crowded")
        connection.execute("delete from identity.person_terms")
    connection.execute(
        "insert or replace into identity.models values (?, ?, ?, 'identity.person_features')",
        [ENTITY, model.records, model.to_json()],
    )
    # everything is compared again
    connection.execute("drop table if exists identity.person_features")
    connection.execute(f"delete from identity.links where entity = '{ENTITY}'")
    # as the next night will read it
    return Model.from_json(model.to_json())


def _are_comparable(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the kept features are as tonight's: another version of this program may have compared by others.

    A warehouse that is built anew has none, and its model is remembered.
    """
    return _columns(connection, "person_features") in ([], _columns(connection, "person_features_now"))


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, ...]]:
    """A table's columns, none of one that is not there."""
    return connection.execute(
        "select column_name from duckdb_columns() where table_name = ? order by column_index", [table]
    ).fetchall()


def _compare_changed(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Brings identity.person_features and the scored pairs of identity.links up to tonight."""
    connection.execute(
        "create table if not exists identity.person_features as select * from person_features_now where false"
    )
    connection.execute("""
    create or replace temp table changed_people as
    select n.node from person_features_now as n
    left join identity.person_features as o using (node)
    where o.node is null or o.fingerprint <> n.fingerprint""")
    connection.execute("""
    create or replace temp table stale_people as
    select node from changed_people
    union
    select node from identity.person_features where node not in (select node from person_features_now)""")
    counted = connection.execute("select count(*) from changed_people").fetchone()
    connection.execute(f"""
    delete from identity.links
    where entity = '{ENTITY}' and (method <> 'likeness' or node_l in (select node from stale_people)
        or node_r in (select node from stale_people))""")
    connection.execute(
        "create or replace temp table fresh_people as from person_features_now semi join changed_people using (node)"
    )
    thin_blocks(connection, "fresh_people", "identity.person_crowded")
    kept = connection.execute("select count(*) from identity.person_features").fetchone()
    connection.execute("delete from identity.person_features where node in (select node from stale_people)")
    connection.execute("insert into identity.person_features by name from fresh_people")
    if counted and counted[0]:
        everything = not kept or not kept[0]
        linkage.score(
            connection, model, "identity.person_features", "scored_people", least=LEAST,
            new=None if everything else "changed_people",
        )  # fmt: skip
        connection.execute(f"""
        insert into identity.links
        select '{ENTITY}', node_l, node_r, 'likeness', match_weight, match_probability, null from scored_people""")
        connection.execute("drop table scored_people")


def _bases(connection: duckdb.DuckDBPyConnection) -> None:
    """person_nodes(node, base) and person_pairs; where a decision parts what keys join, every record is its own base
    and the keys are pairs of the greatest weight."""
    connection.execute("""
    create or replace temp table torn_bases as
    select distinct l.cluster_id from cannot_links as c
    join person_bases as l on l.node = c.node_l join person_bases as r on r.node = c.node_r
    where l.cluster_id = r.cluster_id""")
    connection.execute("""
    create or replace temp table person_nodes as
    select node, case when cluster_id in (from torn_bases) then node else cluster_id end as base from person_bases""")
    connection.execute("""
    create or replace temp table person_torn_edges as
    with torn as (select node from person_bases where cluster_id in (from torn_bases))
    select l.node as node_l, r.node as node_r
    from person_keys as l
    join person_keys as r on r.key_type = l.key_type and r.key_value = l.key_value and l.node < r.node
    where l.node in (from torn)
    union
    select least(node_l, node_r), greatest(node_l, node_r) from person_edges where node_l in (from torn)""")
    connection.execute(f"""
    create or replace temp table person_pairs as
    select node_l, node_r, match_weight from identity.links where entity = '{ENTITY}'
    union all
    select node_l, node_r, {MOST} from person_torn_edges""")
    connection.execute("""
    insert into person_apart
    select l.base, r.base from cannot_links as c
    join person_nodes as l on l.node = c.node_l join person_nodes as r on r.node = c.node_r""")


def _score_inside(connection: duckdb.DuckDBPyConnection, model: Model, pairs: str, out: str) -> None:
    """Scores pairs with their names; what an earlier night scored so is taken from identity.links."""
    connection.execute(f"""
    create or replace temp table pairs_to_name as
    select distinct p.node_l, p.node_r from {pairs} as p
    anti join (select * from identity.links where entity = '{ENTITY}' and names is not null) as k
        using (node_l, node_r)""")
    if connection.execute("select 1 from pairs_to_name limit 1").fetchone():
        linkage.score(
            connection, model, "identity.person_features", "leveled_people", least=0.0, pairs="pairs_to_name",
            levels=True,
        )  # fmt: skip
        connection.execute(
            f"delete from identity.links as k using pairs_to_name as p "
            f"where k.entity = '{ENTITY}' and k.node_l = p.node_l and k.node_r = p.node_r"
        )
        connection.execute(f"""
        insert into identity.links
        select '{ENTITY}', s.node_l, s.node_r, 'likeness', s.match_weight, s.match_probability,
               case when s.node_l like '{FOLLOWERS}' and s.node_r like '{FOLLOWERS}'
                    and l.unionid is distinct from r.unionid then -2
                    -- two of one name in one house, each with a mailbox: who resembles both does not make them one
                    when {is_other_mailbox(model.design)} and s.match_probability < {THRESHOLD} then -2
                    else {names_sql(model.design)} end
        from leveled_people as s
        join identity.person_features as l on l.node = s.node_l
        join identity.person_features as r on r.node = s.node_r""")
        connection.execute("drop table leveled_people")
    connection.execute(f"""
    create or replace temp table {out} as
    select k.node_l, k.node_r,
           case when e.node_l is not null then {MOST} else k.match_weight end as match_weight,
           case when e.node_l is not null then 1 else k.names end as names
    from identity.links as k semi join {pairs} as p using (node_l, node_r)
    left join person_torn_edges as e using (node_l, node_r)
    where k.entity = '{ENTITY}'""")


def _methods(connection: duckdb.DuckDBPyConnection) -> None:
    """Keys' own links go to identity.links too; a record is as sure as the likeliest link that joins it."""
    connection.execute(f"""
    insert into identity.links
    select '{ENTITY}', least(e.node_l, e.node_r), greatest(e.node_l, e.node_r), e.method, null, 1.0, null
    from (select distinct node_l, node_r, method from person_edges) as e
    join person_clusters as l on l.node = e.node_l join person_clusters as r on r.node = e.node_r
    where l.cluster_id = r.cluster_id""")
    connection.execute(f"""
    create or replace temp table person_methods as
    with links as (
        select k.node_l, k.node_r, k.method, k.match_probability
        from identity.links as k
        join person_clusters as l on l.node = k.node_l join person_clusters as r on r.node = k.node_r
        where k.entity = '{ENTITY}' and l.cluster_id = r.cluster_id
    ),
    sides as (
        select node_l as node, method, match_probability from links union all
        select node_r, method, match_probability from links
    ),
    keyed as (
        select node, string_agg(distinct method, ', ' order by method) as match_method, 1.0 as match_probability
        from sides where method <> 'likeness' group by node
    ),
    alike as (
        select node, 'likeness' as match_method, max(match_probability) as match_probability
        from sides where method = 'likeness' group by node
    )
    select c.node, coalesce(k.match_method, a.match_method, 'single record') as match_method,
           coalesce(k.match_probability, a.match_probability, 1.0) as match_probability
    from person_clusters as c left join keyed as k using (node) left join alike as a using (node)""")
