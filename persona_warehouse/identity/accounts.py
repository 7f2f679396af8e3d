"""Records of companies to accounts: hard keys first, then likeness, then ids that last.

Keys are the credit code and the company's own domain. A domain that several companies evidently share links nobody; the
limits stand in the seed identity_keys. What the keys leave apart is compared by name, place, domain and people
(account_model), under guards: a brand must agree, a place may be missing but not contradict, a branch is not its
house, two valid codes are two companies. A short name joins the one company it fits, when exactly one fits.
"""

from __future__ import annotations

import duckdb

from persona_warehouse.identity.account_features import make_features
from persona_warehouse.identity.account_model import BLOCKS, FEW, account_design, names_sql
from persona_warehouse.identity.account_parents import find_parents
from persona_warehouse.identity.account_records import MENTIONS_ONLY, collect_company_records, people_of_companies
from persona_warehouse.identity.clusters import cluster
from persona_warehouse.identity.compared import Compared, compare, keep_links, score_inside
from persona_warehouse.identity.grouping import MOST, group
from persona_warehouse.identity.ledger import assign_ids
from persona_warehouse.identity.linkage import FEWEST_RECORDS, Design, Model
from persona_warehouse.identity.reused import note_reused_ids
from persona_warehouse.settings import Settings

ENTITY = "account"
# two are one from this probability on; less likely pairs than the other are not kept
THRESHOLD, LEAST = 0.9, 0.05
COMPARED = Compared(ENTITY, "identity.account_features", BLOCKS, LEAST, names_sql())


def resolve_accounts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """identity.companies and identity.account_parents from staging, person_records and the overrides."""
    collect_company_records(connection)
    _bases(connection)
    _compare(connection)
    _methods(connection)
    assign_ids(connection, settings, ENTITY, "a_", "company_clusters")
    note_reused_ids(connection, settings, ENTITY)
    _companies(connection)
    find_parents(connection)


def _bases(connection: duckdb.DuckDBPyConnection) -> None:
    """company_bases(node, cluster_id): what keys, the CRM and decisions join, but for what decisions keep apart.

    Where a decision parts what keys join, every record stands alone and the keys are pairs of the greatest weight.
    """
    connection.execute("""
    insert into company_edges
    select node_l, node_r, 'decision' from override_links
    where entity = 'account' and rule = 'must_link'
      and node_l in (select node from company_records) and node_r in (select node from company_records)""")
    cluster(connection, "company_records", "company_edges", "company_keyed")
    connection.execute("""
    create or replace temp table company_cannot as
    select l.node as node_l, r.node as node_r, l.cluster_id = r.cluster_id as is_torn, l.cluster_id
    from override_links as o
    join company_keyed as l on l.node = o.node_l join company_keyed as r on r.node = o.node_r
    where o.entity = 'account' and o.rule = 'cannot_link'""")
    connection.execute("""
    create or replace temp table company_bases as
    select node, case when cluster_id in (select cluster_id from company_cannot where is_torn) then node
                      else cluster_id end as cluster_id
    from company_keyed""")


def _compare(connection: duckdb.DuckDBPyConnection) -> None:
    """company_clusters(node, cluster_id)."""
    people_of_companies(connection)
    connection.execute("""
    create or replace temp table company_torn_edges as
    select l.node as node_l, r.node as node_r
    from company_keys as l
    join company_keys as r on r.key_type = l.key_type and r.key_value = l.key_value and l.node < r.node
    join company_keyed as k on k.node = l.node
    where k.cluster_id in (select cluster_id from company_cannot where is_torn)
    union
    select least(e.node_l, e.node_r), greatest(e.node_l, e.node_r)
    from company_edges as e join company_keyed as k on k.node = e.node_l
    where k.cluster_id in (select cluster_id from company_cannot where is_torn)""")
    # the same words are the same company, as long as no key and nobody who is known says otherwise
    connection.execute("""
    create or replace temp table company_mention_bases as
    select r.node, b.cluster_id,
           case when r.source_object <> 'companies' and r.uscc is null and r.domain is null and p.people is null
                     and count(*) over (partition by b.cluster_id) = 1
                then concat_ws('|', n.squeezed, n.branch, n.place, r.any_domain) end as words
    from company_records as r join company_bases as b using (node)
    left join company_people as p using (node)
    left join account_names as n on n.raw = r.company_name""")
    connection.execute("""
    create or replace temp table company_bases as
    select node, case when words is null then cluster_id else min(node) over (partition by words) end as cluster_id
    from company_mention_bases""")
    connection.execute("""
    create or replace temp table comparable_companies as
    select r.node, b.cluster_id as entity, w.words as company_name, r.uscc,
           r.any_domain, r.province_code, r.city_code, p.people
    from company_records as r
    join company_bases as b using (node)
    join company_words as w using (node)
    left join company_people as p using (node)
    -- what a domain spells matters where nobody has a name
    qualify r.source_object <> 'domains' or bool_and(r.source_object = 'domains') over (partition by b.cluster_id)""")
    make_features(connection, "comparable_companies", "account_features_now")
    model = compare(connection, COMPARED, "account_features_now", _design)
    connection.execute(f"""
    create or replace temp table company_pairs as
    select node_l, node_r, match_weight from identity.links where entity = '{ENTITY}'
    union all
    select node_l, node_r, {MOST} from company_torn_edges""")
    # a table of its own: in one statement the engine would first pair all bases that differ
    connection.execute("""
    create or replace temp table company_families as
    select l.cluster_id as child, r.cluster_id as parent
    from company_records as c
    join company_bases as l on l.node = c.node join company_bases as r on r.node = c.parent""")
    connection.execute("""
    create or replace temp table company_apart as
    select l.cluster_id as base_l, r.cluster_id as base_r
    from company_cannot as c
    join company_bases as l on l.node = c.node_l join company_bases as r on r.node = c.node_r
    union
    -- parent and child are two
    select child, parent from company_families where child <> parent""")
    connection.execute("""
    create or replace temp table company_nodes as
    select node, entity as base from account_features_now
    union
    select b.node, b.cluster_id from company_bases as b
    where b.cluster_id not in (select entity from account_features_now)""")
    group(
        connection, "company_nodes", "company_pairs", "company_apart", "company_groups_found",
        threshold=THRESHOLD, prior=model.prior,
        score_pairs=lambda pairs, out: _score_inside(connection, model, pairs, out),
    )  # fmt: skip
    _ambiguous(connection)
    connection.execute("""
    create or replace temp table company_clusters as
    with placed as (
        select b.node, case when a.base is null then g.cluster_id else '|' || b.cluster_id end as cluster
        from company_bases as b
        join company_groups_found as g on g.base = b.cluster_id
        left join company_ambiguous as a on a.base = b.cluster_id
    )
    select node, min(node) over (partition by cluster) as cluster_id from placed""")


def _ambiguous(connection: duckdb.DuckDBPyConnection) -> None:
    """company_ambiguous(base): a brand and nothing else, where several companies bear it.

    A company that only its branches tell of is one of them, and one that stands with its English name too.
    """
    connection.execute("""
    create or replace temp table company_ambiguous as
    with bearers as (
        select f.*, g.cluster_id
        from identity.account_features as f
        join account_features_now as n using (node)
        join company_groups_found as g on g.base = n.entity
    ),
    bare as (
        select entity as base, brand, sound from bearers
        where not is_full and core = brand and people is null and domain is null and not has_named_place
          and branch is null and brand is not null
    ),
    -- the house's own records are one; branches of a house that is not there are one by its name
    houses as (
        select sound, case when branch is null then cluster_id end as cluster_id, core, province, has_named_place,
               branch is not null as is_branch
        from bearers where is_full and sound is not null
        union
        select word, cluster_id, core, province, has_named_place, false
        from bearers where is_full and is_latin and branch is null and word is not null
    ),
    known as (
        select sound, cluster_id as house from houses where not is_branch
        union
        select b.sound, b.core from houses as b
        where b.is_branch
          and not exists (select 1 from houses as h where not h.is_branch and h.sound = b.sound and h.core = b.core)
    ),
    shared as (select sound from known group by sound having count(distinct house) > 1)
    select base from bare group by base having bool_and(sound in (select sound from shared))""")


def _design(records: int) -> Design:
    return account_design(records if records >= FEWEST_RECORDS else FEW)


def _score_inside(connection: duckdb.DuckDBPyConnection, model: Model, pairs: str, out: str) -> None:
    """Pairs with their names, and those that keys link as such, where a decision has parted a house."""
    score_inside(connection, COMPARED, model, pairs, "names_of_pairs")
    connection.execute(f"""
    create or replace temp table {out} as
    select p.node_l, p.node_r, case when e.node_l is not null then {MOST} else p.match_weight end as match_weight,
           case when e.node_l is not null then 1 else p.names end as names
    from names_of_pairs as p
    left join company_torn_edges as e using (node_l, node_r)""")
    connection.execute("drop table names_of_pairs")


def _methods(connection: duckdb.DuckDBPyConnection) -> None:
    """company_methods, and clusters without those that make no account."""
    connection.execute(f"""
    create or replace temp table company_clusters as
    select node, cluster_id from company_clusters
    where cluster_id in (
        select c.cluster_id from company_clusters as c join company_records as r using (node)
        where r.source_object not in {MENTIONS_ONLY}
    )""")
    connection.execute("""
    create or replace temp table company_joined as
    select node_l, node_r, method, 1.0 as match_probability from company_edges
    union all
    select node, first, 'same name', 0.99
    from (select node, words, min(node) over (partition by words) as first from company_mention_bases)
    where words is not null and node <> first""")
    keep_links(connection, ENTITY, "company_joined", "company_clusters", "company_methods")


def _companies(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
    create or replace table identity.companies as
    select r.node as identity_key, r.source_system, r.source_object, r.source_id, a.entity_id as account_id, r.uscc,
           r.domain, r.company_name, m.match_method, m.match_probability, r.created_at as valid_from
    from company_records as r
    join company_clusters as c using (node)
    join identity.assigned as a on a.entity = 'account' and a.node = r.node
    join company_methods as m on m.node = r.node""")
