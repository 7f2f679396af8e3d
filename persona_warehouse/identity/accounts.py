"""Records of companies to accounts: hard keys first, then their names, then ids that last.

Keys are credit code and domain; a domain that several companies evidently share, or a group's parent and child, links
nobody; the limits stand in the seed identity_keys. What the CRM itself merged is one company. What the keys leave
apart is compared by name, place and people (company_links).
"""

from __future__ import annotations

import duckdb

from persona_warehouse.identity.clusters import assign_ids, cluster, live
from persona_warehouse.identity.company_links import link_companies
from persona_warehouse.identity.reused import note_reused_ids
from persona_warehouse.settings import Settings


def resolve_accounts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """identity.companies from staging and person_records."""
    _records(connection)
    _edges(connection)
    link_companies(connection)
    assign_ids(connection, settings, "account", "a_", "company_clusters")
    note_reused_ids(connection, settings, "account")
    connection.execute("""
    create or replace table identity.companies as
    select r.node as identity_key, r.source_system, r.source_object, r.source_id, a.entity_id as account_id, r.uscc,
           r.domain, r.company_name, m.match_method, m.match_probability, r.created_at as valid_from
    from company_records as r
    join identity.assigned as a on a.entity = 'account' and a.node = r.node
    join company_methods as m on m.node = r.node""")


def _records(connection: duckdb.DuckDBPyConnection) -> None:
    """company_records: one row per source record, with the keys that link; company_links: the CRM's own."""
    connection.execute(f"""
    create or replace temp table crm_companies as
    with recursive {live("live_companies", "stg_crm__companies", "company_id")}
    select 'crm|companies|' || company_id as node, company_id as source_id, u.uscc, c.name, c.industry,
           concat_ws(' ', c.province, c.city) as region,
           coalesce(d.domain, w.domain) as domain, 'crm|companies|' || merged_into_id as same_as,
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
           name as company_name, name, industry, region
    from crm
    union all
    select 'derived', 'domains', domain, 'derived|domains|' || domain, null, domain, created_at, company_name,
           company_name, null, null
    from derived""")
    connection.execute("""
    create or replace temp table company_keys as
    select node, 'uscc' as key_type, uscc as key_value from company_records where uscc is not null
    union all
    select node, 'domain', domain from company_records where domain is not null""")


def _edges(connection: duckdb.DuckDBPyConnection) -> None:
    """company_edges: what the keys and the CRM link."""
    connection.execute("""
    create or replace temp table company_edges as
    select node as node_l, first_node as node_r, key_type as method
    from (select *, min(node) over (partition by key_type, key_value) as first_node from company_keys)
    where node <> first_node
    union all
    select node_l, node_r, 'crm link' from company_links""")
