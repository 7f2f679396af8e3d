"""Source records to accounts and contacts: the order of the steps, and companies.

Companies are known by credit code and domain; a domain that several evidently share links nobody; the limits stand in
the seed identity_keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from persona_warehouse import warehouse
from persona_warehouse.identity.clusters import assign_ids, cluster, live
from persona_warehouse.identity.normalise import update_dictionaries
from persona_warehouse.identity.people import collect_person_records, find_visitors, resolve_people
from persona_warehouse.identity.reused import note_reused_ids
from persona_warehouse.settings import Settings


@dataclass(frozen=True)
class IdentityCounts:
    """How many records became how many entities."""

    company_records: int
    accounts: int
    person_records: int
    contacts: int

    def __str__(self) -> str:
        return (
            f"{self.company_records:,} company records → {self.accounts:,} accounts, "
            f"{self.person_records:,} person records → {self.contacts:,} contacts"
        )


def resolve(settings: Settings) -> IdentityCounts:
    """Rebuilds identity.companies, identity.people and identity.visitors from staging, in one transaction.

    Raises:
        PersonaError: another process holds the working database, or it is damaged.
    """
    with warehouse.connect(settings.warehouse_file) as connection:
        connection.execute("begin")
        update_dictionaries(connection)
        collect_person_records(connection)
        _resolve_companies(connection, settings)
        resolve_people(connection, settings)
        find_visitors(connection)
        connection.execute("commit")
        counts = connection.execute(
            """select (select count(*) from identity.companies),
                      (select count(distinct account_id) from identity.companies),
                      (select count(*) from identity.people),
                      (select count(distinct contact_id) from identity.people)"""
        ).fetchone()
        return IdentityCounts(*counts) if counts else IdentityCounts(0, 0, 0, 0)


def _resolve_companies(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.execute(f"""
    create or replace temp table crm_companies as
    with recursive {live("live_companies", "stg_crm__companies", "company_id")}
    select 'crm|companies|' || company_id as node, company_id as source_id, u.uscc,
           coalesce(d.domain, w.domain) as domain, c.name, 'crm|companies|' || merged_into_id as same_as,
           'crm|companies|' || parent_company_id as parent, created_at
    from staging.stg_crm__companies as c
    left join identity.credit_codes as u on u.raw = c.uscc
    left join identity.domains as d on d.raw = c.domain
    left join identity.domains as w on w.raw = c.website
    where company_id in (select id from live_companies)""")
    connection.execute("""
    create or replace temp table company_links as
    select node as node_l, same_as as node_r from crm_companies
    where same_as <> node and same_as in (select node from crm_companies)""")
    cluster(connection, "crm_companies", "company_links", "company_groups")
    connection.execute("""
    create or replace temp table company_records as
    with recursive crm as (
        select c.*, g.cluster_id from crm_companies as c join company_groups as g using (node)
    ),
    above as (
        select distinct c.cluster_id, p.cluster_id as above_id
        from crm as c join crm as p on p.node = c.parent
    ),
    ancestors as (
        select cluster_id, above_id from above
        union
        select a.cluster_id, b.above_id from ancestors as a join above as b on b.cluster_id = a.above_id
    ),
    -- a domain that several companies of different codes use, or a group's parent and child, tells none of them
    shared as (
        select domain
        from (select cluster_id, domain, min(uscc) as uscc from crm where domain is not null group by all)
        group by domain
        having count(distinct uscc) > 1
            or count(*) > (select max_records from seeds.identity_keys where entity = 'account' and key_type = 'domain')
        union
        select c.domain
        from ancestors as a
        join crm as c on c.cluster_id = a.cluster_id
        join crm as p on p.cluster_id = a.above_id and p.domain = c.domain
        where a.cluster_id <> a.above_id
    ),
    -- people with a company's mail address whose company the CRM does not know
    derived as (
        select email_domain as domain, min(created_at) as created_at, min(company_name) as company_name
        from person_records as p
        where email_domain is not null and not is_free_mail
          and not exists (select 1 from staging.stg_crm__companies as c where c.company_id = p.company_id)
          and email_domain not in (select domain from shared)
        group by email_domain
    )
    select 'crm' as source_system, 'companies' as source_object, source_id, node, uscc,
           case when domain not in (select domain from shared) then domain end as domain, created_at,
           name as company_name
    from crm
    union all
    select 'derived', 'domains', domain, 'derived|domains|' || domain, null, domain, created_at, company_name
    from derived""")
    connection.execute("""
    create or replace temp table company_keys as
    select node, 'uscc' as key_type, uscc as key_value from company_records where uscc is not null
    union all
    select node, 'domain', domain from company_records where domain is not null""")
    _cluster_by_keys(connection, "company")
    assign_ids(connection, settings, "account", "a_", "company_clusters")
    note_reused_ids(connection, settings, "account")
    connection.execute("""
    create or replace table identity.companies as
    select r.node as identity_key, r.source_system, r.source_object, r.source_id, a.entity_id as account_id, r.uscc,
           r.domain, r.company_name, coalesce(m.match_method, 'single record') as match_method,
           1.0 as match_probability, r.created_at as valid_from
    from company_records as r
    join identity.assigned as a on a.entity = 'account' and a.node = r.node
    left join company_methods as m on m.node = r.node""")


def _cluster_by_keys(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    """<kind>_clusters and <kind>_methods from <kind>_records, <kind>_keys and <kind>_links (the CRM's own)."""
    connection.execute(f"""
    create or replace temp table {kind}_edges as
    select node as node_l, first_node as node_r, key_type as method
    from (select *, min(node) over (partition by key_type, key_value) as first_node from {kind}_keys)
    where node <> first_node
    union all
    select node_l, node_r, 'crm link' from {kind}_links""")
    cluster(connection, f"{kind}_records", f"{kind}_edges", f"{kind}_clusters")
    connection.execute(f"""
    create or replace temp table {kind}_methods as
    select node, string_agg(distinct method, ', ' order by method) as match_method
    from (
        select node_l as node, method from {kind}_edges union all select node_r, method from {kind}_edges
    )
    group by node""")
