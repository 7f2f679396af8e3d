"""Whose subsidiary or branch an account is: a tree, whatever the CRM says.

A company has one parent: the one that its record changed last names; of a branch that names none, its house. What is
its own parent has none. A ring is cut where it was closed last, and reported.
"""

from __future__ import annotations

import duckdb

CYCLE = "ring of parents"


def find_parents(connection: duckdb.DuckDBPyConnection) -> None:
    """identity.account_parents(account_id, parent_account_id, method, since); needs tonight's company records."""
    connection.execute("""
    create or replace temp table parent_claims as
    with named as (
        select c.account_id, p.account_id as parent_account_id, 'crm' as method, r.changed_at as since, r.node
        from crm_companies as r
        join identity.companies as c on c.identity_key = r.node
        join identity.companies as p on p.identity_key = r.parent
    ),
    houses as (
        select n.brand, n.trade, n.place, min(c.account_id) as account_id
        from identity.companies as c join account_names as n on n.raw = c.company_name
        where n.branch is null and n.is_full
        group by all having count(distinct c.account_id) = 1
    ),
    branches as (
        select c.account_id, h.account_id as parent_account_id, 'branch' as method, c.valid_from as since,
               c.identity_key as node
        from identity.companies as c
        join account_names as n on n.raw = c.company_name
        join houses as h
            on h.brand = n.brand and h.trade is not distinct from n.trade and h.place is not distinct from n.place
        where n.branch is not null
    )
    select * from named union all select * from branches""")
    # a table of its own: in one statement the engine would first pair all companies that differ
    connection.execute("""
    create or replace temp table parent_edges as
    select account_id, parent_account_id, method, since from parent_claims
    where account_id <> parent_account_id
    qualify row_number() over (
        partition by account_id order by method desc, since desc nulls last, node, parent_account_id
    ) = 1""")
    # each has one parent, so rings have nothing in common
    connection.execute("""
    create or replace temp table parent_rings as
    with recursive reached as (
        select account_id as start, parent_account_id as member from parent_edges
        union
        select r.start, e.parent_account_id from reached as r join parent_edges as e on e.account_id = r.member
    ),
    ringed as (select start from reached where start = member)
    select r.start as account_id, min(r.member) as ring, string_agg(r.member, ', ' order by r.member) as members
    from reached as r
    where r.start in (from ringed) and r.member in (from ringed)
    group by r.start""")
    connection.execute("""
    create or replace temp table parent_cuts as
    select e.account_id, e.parent_account_id, r.members
    from parent_edges as e join parent_rings as r using (account_id)
    qualify row_number() over (partition by r.ring order by e.since desc nulls last, e.account_id desc) = 1""")
    connection.execute("create table if not exists identity.problems (kind varchar, subject varchar, detail varchar)")
    connection.execute(f"delete from identity.problems where kind = '{CYCLE}'")
    connection.execute(f"""
    insert into identity.problems
    select '{CYCLE}', account_id,
           concat('cut between it and its parent ', parent_account_id, ' in the ring of ', members)
    from parent_cuts""")
    connection.execute("""
    create or replace table identity.account_parents as
    select * from parent_edges where account_id not in (select account_id from parent_cuts)""")
    for table in ("claims", "edges", "rings", "cuts"):
        connection.execute(f"drop table parent_{table}")
