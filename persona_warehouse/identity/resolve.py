"""Source records to accounts and contacts, by hard keys only.

Persons: e-mail, mobile number, unionid, openid and the site's own user id. Companies: credit code and domain. A key
that several people evidently share (a switchboard, a distribution list) is no key; the limits stand in the seed
identity_keys. What the CRM itself merged or converted is one person, and counts as one there.
A browser is never a key: it is given to a person afterwards, and only when a single person was ever identified on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from persona_warehouse import warehouse
from persona_warehouse.identity.clusters import assign_ids, cluster
from persona_warehouse.identity.normalise import update_dictionaries
from persona_warehouse.identity.reused import note_reused_ids
from persona_warehouse.settings import Settings

# a visitor is known by all that was given together on the site
WEB_NODE = (
    "'website|users|' || concat_ws('|', "
    + ", ".join(f"coalesce({column}, '')" for column in ("user_id", "email", "phone", "openid"))
    + ")"
)


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
        _person_records(connection)
        _resolve_companies(connection, settings)
        _resolve_people(connection, settings)
        _visitors(connection)
        connection.execute("commit")
        counts = connection.execute(
            """select (select count(*) from identity.companies),
                      (select count(distinct account_id) from identity.companies),
                      (select count(*) from identity.people),
                      (select count(distinct contact_id) from identity.people)"""
        ).fetchone()
        return IdentityCounts(*counts) if counts else IdentityCounts(0, 0, 0, 0)


def _live(name: str, table: str, key: str) -> str:
    """A recursive CTE `name`(id): records that are not deleted, and deleted ones that were merged into such."""
    return f"""{name} as (
        select {key} as id from staging.{table} where not coalesce(is_deleted, false)
        union
        select r.{key} from staging.{table} as r join {name} as l on l.id = r.merged_into_id
    )"""


def _person_records(connection: duckdb.DuckDBPyConnection) -> None:
    """person_records: one row per source record of a person; person_links: what the CRM itself says is one person."""
    connection.execute(f"""
    create or replace temp table person_records as
    with recursive {_live("live_contacts", "stg_crm__contacts", "contact_id")},
    {_live("live_leads", "stg_crm__leads", "lead_id")},
    crm as (
        select 'contacts' as source_object, contact_id as source_id, company_id, cast(null as varchar) as company_name,
               full_name, email, phone, unionid, openid, created_at, updated_at
        from staging.stg_crm__contacts
        where contact_id in (select id from live_contacts)
        union all
        select 'leads', lead_id, null, company_name, full_name, email, phone, unionid, openid, created_at, updated_at
        from staging.stg_crm__leads
        where lead_id in (select id from live_leads)
    ),
    web as (
        select user_id, email, phone, openid, min(occurred_at) as created_at, max(occurred_at) as updated_at
        from staging.stg_website__events
        where coalesce(user_id, email, phone, openid) is not null
        group by all
    ),
    records as (
        select 'crm' as source_system, source_object, source_id, 'crm|' || source_object || '|' || source_id as node,
               company_id, company_name, full_name, email, phone, unionid, openid, cast(null as varchar) as user_id,
               created_at, updated_at
        from crm
        union all
        select 'website', 'users', coalesce(user_id, email, phone, openid), {WEB_NODE},
               null, null, null, email, phone, null, openid, user_id, created_at, updated_at
        from web
        union all
        select 'wechat', 'followers', openid, 'wechat|followers|' || openid,
               null, null, null, null, null, unionid, openid, null, subscribed_at, subscribed_at
        from staging.stg_wechat__followers
    )
    select r.* exclude (email, phone), e.email, e.domain as email_domain, coalesce(e.is_free, false) as is_free_mail,
           p.e164 as phone, coalesce(p.is_mobile, false) as is_mobile
    from records as r
    left join identity.emails as e on e.raw = r.email
    left join identity.phones as p on p.raw = r.phone
    -- what a visitor typed identifies nobody when no key can be made of it
    where r.source_system <> 'website' or coalesce(r.user_id, e.email, p.e164, r.openid) is not null""")
    connection.execute("""
    create or replace temp table person_links as
    with links as (
        select 'crm|contacts|' || contact_id as node_l, 'crm|contacts|' || merged_into_id as node_r
        from staging.stg_crm__contacts
        union
        select 'crm|leads|' || lead_id, 'crm|leads|' || merged_into_id from staging.stg_crm__leads
        union
        select 'crm|leads|' || lead_id, 'crm|contacts|' || converted_contact_id from staging.stg_crm__leads
    )
    select node_l, node_r from links
    where node_l <> node_r
      and node_l in (select node from person_records) and node_r in (select node from person_records)""")
    cluster(connection, "person_records", "person_links", "person_groups")


def _resolve_companies(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.execute(f"""
    create or replace temp table crm_companies as
    with recursive {_live("live_companies", "stg_crm__companies", "company_id")}
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


def _resolve_people(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.execute(r"""
    create or replace temp table person_keys as
    with candidates as (
        select node, 'email' as key_type, email as key_value from person_records where email is not null
        union all
        select node, 'phone', phone from person_records where phone is not null and is_mobile
        union all
        select node, 'unionid', unionid from person_records where unionid is not null
        union all
        select node, 'openid', openid from person_records where openid is not null
        union all
        select node, 'user_id', user_id from person_records where user_id is not null
    ),
    -- each person of the CRM once a key, under one name and one address; a name is the same in any case and spacing
    holders as (
        select c.key_type, c.key_value, g.cluster_id, min(r.email) as email,
               min(lower(regexp_replace(r.full_name, '\s', '', 'g'))) as full_name
        from candidates as c
        join person_records as r using (node)
        join person_groups as g using (node)
        where r.source_system = 'crm'
        group by all
    ),
    -- a number or an address that people with different names or mailboxes give is a switchboard or a list
    shared as (
        select h.key_type, h.key_value
        from holders as h
        join seeds.identity_keys as k on k.entity = 'contact' and k.key_type = h.key_type
        group by h.key_type, h.key_value, k.max_records, k.max_names, k.max_emails
        having count(*) > k.max_records
            or count(distinct h.full_name) > k.max_names
            or count(distinct h.email) > k.max_emails
    )
    select node, key_type, key_value
    from candidates as c
    where not exists (select 1 from shared as s where s.key_type = c.key_type and s.key_value = c.key_value)""")
    _cluster_by_keys(connection, "person")
    assign_ids(connection, settings, "contact", "c_", "person_clusters")
    note_reused_ids(connection, settings, "contact")
    connection.execute("""
    create or replace table identity.people as
    with linked as (
        select r.*, a.entity_id as contact_id
        from person_records as r
        join identity.assigned as a on a.entity = 'contact' and a.node = r.node
    ),
    crm_accounts as (
        select source_id, account_id from identity.companies where source_system = 'crm'
    ),
    domain_accounts as (
        select domain, min(account_id) as account_id from identity.companies where domain is not null
        group by domain having count(distinct account_id) = 1
    ),
    -- the CRM's own link first, the newest record's; then the domain of a mail address
    employers as (
        select contact_id, account_id, account_method
        from (
            select l.contact_id, coalesce(c.account_id, d.account_id) as account_id,
                   case when c.account_id is not null then 'crm' else 'email domain' end as account_method,
                   row_number() over (
                       partition by l.contact_id
                       order by case when c.account_id is not null then 0 else 1 end,
                                l.updated_at desc nulls last, l.node
                   ) as place
            from linked as l
            left join crm_accounts as c on c.source_id = l.company_id
            -- nothing but equality in the conditions: otherwise every record is compared with every company
            left join domain_accounts as d on d.domain = case when not l.is_free_mail then l.email_domain end
            where coalesce(c.account_id, d.account_id) is not null
        )
        where place = 1
    )
    select l.node as identity_key, l.source_system, l.source_object, l.source_id, l.contact_id, e.account_id,
           e.account_method, l.full_name, l.email, l.phone, l.unionid, l.openid,
           coalesce(m.match_method, 'single record') as match_method, 1.0 as match_probability,
           l.created_at as valid_from
    from linked as l
    left join employers as e using (contact_id)
    left join person_methods as m on m.node = l.node""")


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


def _visitors(connection: duckdb.DuckDBPyConnection) -> None:
    """identity.visitors: browsers on which exactly one person was ever identified; their earlier history joins too."""
    connection.execute(f"""
    create or replace table identity.visitors as
    with marks as (
        select distinct anonymous_id, {WEB_NODE} as node
        from staging.stg_website__events
        where coalesce(user_id, email, phone, openid) is not null
    ),
    identified as (
        select distinct m.anonymous_id, p.contact_id, p.account_id
        from marks as m
        join identity.people as p on p.identity_key = m.node
    )
    select anonymous_id, min(contact_id) as contact_id, min(account_id) as account_id
    from identified
    group by anonymous_id
    having count(distinct contact_id) = 1""")
