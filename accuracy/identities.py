"""Accounts and persons: pairs of records that are one, against pairs that are said to be."""

from __future__ import annotations

from itertools import pairwise as successive

import duckdb

from accuracy.measures import Bin, Found, measure, pairwise, share_right
from persona_warehouse.identity.clusters import cluster

EXAMPLES = 6
EDGES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0001)


@measure("accounts", pairwise, precision=0.99, recall=0.95)
def accounts(connection: duckdb.DuckDBPyConnection) -> Found:
    """What makes accounts: companies of the CRM, companies that leads name, mail domains."""
    _judged_companies(connection)
    connection.execute("delete from judged where node like 'derived|remark_companies|%'")
    return _judge(connection, "account")


@measure("companies of remarks", share_right)
def remarks(connection: duckdb.DuckDBPyConnection) -> Found:
    """Whom a remark on a follower names: right when most of the account's other records are of the same company."""
    _judged_companies(connection)
    rows = connection.execute("""
        with meant as (
            select said, mode(so order by so) as so from judged
            where node not like 'derived|remark_companies|%' group by said
        )
        select j.shown, m.so is not distinct from j.so, count(*)
        from judged as j join meant as m using (said)
        where j.node like 'derived|remark_companies|%' and j.so is not null
        group by all order by count(*) desc, 1""").fetchall()
    right = sum(n for _, is_right, n in rows if is_right)
    wrong = [f"of another company: {shown} ({n})" for shown, is_right, n in rows if not is_right]
    return Found({"right": right, "all": sum(n for *_, n in rows)}, tuple(wrong[:EXAMPLES]))


def _judged_companies(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
    create or replace temp table judged as
    select i.identity_key as node, i.account_id as said,
           coalesce(c.company_id, h.parent_company_id, p.company_id, d.company_id) as so,
           coalesce(i.company_name, i.domain) as shown, '' as reach
    from identity.companies as i
    left join truth_files.truth.identities as c
        on i.source_object = 'companies' and c.source_object = 'companies' and c.source_id = i.source_id
    left join truth_files.truth.identities as p
        on p.source_id = i.source_id and p.identity_type in ('lead_id', 'openid')
        and p.source_object = case i.source_object when 'lead_companies' then 'leads'
                                                   when 'remark_companies' then 'followers' end
    -- of a branch's people, who writes its house's name means the house
    left join truth_files.truth.companies as h
        on h.company_id = p.company_id and h.kind = 'branch' and i.source_object <> 'companies'
        and not regexp_matches(i.company_name, '(?i)公司.+公司|分公司|branch')
    left join truth_files.truth.companies as d
        on i.source_object = 'domains' and d.domain = i.domain and d.kind <> 'branch'
    where i.source_object <> 'company_enrichment'
    qualify row_number() over (partition by i.identity_key order by so) = 1""")


@measure("persons", pairwise, precision=0.98, recall=0.90)
def persons(connection: duckdb.DuckDBPyConnection) -> Found:
    """Contacts, leads, followers, and users of the site by their user id.

    Two records of a person count as one to be found when something leads from one to the other: both have a name, or
    keys that records have in common. The others, followers of whom nothing is known, say nothing of whose they are.

    What is stated of pairs by likeness is lower than what is so, and stays: a curve fitted on sample worlds would carry
    their size, and how rare namesakes are in them, into real ones, where two of one name are more often two. Below the
    threshold of 0.9 nobody is merged, and above it what is stated holds.
    """
    connection.execute("""
    create or replace temp table keyed as
    select node, name || value as key
    from (unpivot (select identity_key as node, email, phone, unionid, openid from identity.people)
          on email, phone, unionid, openid into name name value value)""")
    connection.execute("""
    create or replace temp table key_edges as
    select node as node_l, first as node_r
    from (select node, min(node) over (partition by key) as first from keyed) where node <> first""")
    connection.execute("create or replace temp table key_nodes as select identity_key as node from identity.people")
    cluster(connection, "key_nodes", "key_edges", "key_chains")
    connection.execute("""
    create or replace temp table judged as
    with records as (
        select i.identity_key as node, i.contact_id as said, t.person_id as so, i.full_name as shown,
               k.cluster_id as chain
        from identity.people as i
        join key_chains as k on k.node = i.identity_key
        join truth_files.truth.identities as t
            on t.source_id = i.source_id and t.person_id is not null
            and (t.source_object = i.source_object and t.identity_type in ('contact_id', 'lead_id', 'openid')
                or i.source_object = 'users' and t.identity_type = 'user_id')
        qualify count(distinct t.person_id) over (partition by i.identity_key) = 1
            and row_number() over (partition by i.identity_key order by t.person_id) = 1
    )
    select node, said, so, shown,
           case when count(shown) over (partition by so, chain) = 0 then chain else '' end as reach
    from records""")
    return _judge(connection, "contact")


def _judge(connection: duckdb.DuckDBPyConnection, entity: str) -> Found:
    """Counts of pairs of judged(node, said, so, shown, reach), worst confusions, and the links' reliability."""
    connection.execute("delete from judged where so is null")
    found = connection.execute("""
        with sizes as (select said, so, reach, count(*) as n from judged group by all),
        pairs as (select sum(n * (n - 1) // 2) as true_pairs from sizes)
        select true_pairs,
               (select sum(n * (n - 1) // 2) from (select sum(n) as n from sizes group by said))
                   - (select sum(n * (n - 1) // 2) from (select sum(n) as n from sizes group by said, so)),
               (select sum(n * (n - 1) // 2) from (select sum(n) as n from sizes group by so, reach)) - true_pairs,
               (select sum(n * (n - 1) // 2) from (select sum(n) as n from sizes group by so))
                   - (select sum(n * (n - 1) // 2) from (select sum(n) as n from sizes group by so, reach))
        from pairs""").fetchall()[0]
    counts = dict(zip(("right", "wrong", "missed", "out of reach"), (int(one or 0) for one in found), strict=True))
    return Found(counts, (*_wrong(connection), *_missed(connection)), _reliability(connection, entity))


def _wrong(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(f"""
        select l.shown, r.shown, count(*) as n
        from judged as l join judged as r on r.said = l.said and l.so < r.so
        group by all order by n desc, 1, 2 limit {EXAMPLES}""").fetchall()
    return [f"said to be one: {left} / {right} ({n} pairs)" for left, right, n in rows]


def _missed(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(f"""
        select l.shown, r.shown, count(*) as n
        from judged as l join judged as r on r.so = l.so and r.reach = l.reach and l.said < r.said
        group by all order by n desc, 1, 2 limit {EXAMPLES}""").fetchall()
    return [f"not found to be one: {left} / {right} ({n} pairs)" for left, right, n in rows]


def _reliability(connection: duckdb.DuckDBPyConnection, entity: str) -> tuple[Bin, ...]:
    """Scored pairs by stated probability; whom a key has joined, and whom a rule keeps apart, is not told by it."""
    rows = connection.execute(
        """select k.match_probability, l.so = r.so
           from identity.links as k
           join judged as l on l.node = k.node_l join judged as r on r.node = k.node_r
           where k.entity = $1 and k.method = 'likeness' and coalesce(k.names, 0) >= 0
             and not exists (
                 select 1 from identity.links as o
                 where o.entity = $1 and o.node_l = k.node_l and o.node_r = k.node_r and o.method <> 'likeness'
             )""",
        [entity],
    ).fetchall()
    found = []
    for low, high in successive(EDGES):
        inside = [(probability, is_so) for probability, is_so in rows if low <= probability < high]
        if inside:
            found.append(
                Bin(
                    low,
                    min(high, 1.0),
                    len(inside),
                    sum(one for _, one in inside),
                    sum(probability for probability, _ in inside),
                )
            )
    return tuple(found)
