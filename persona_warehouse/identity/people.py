"""Records of persons to contacts: hard keys first, then likeness, then ids that last.

Keys are e-mail, mobile number, unionid, openid and the site's own user id. A key that several people evidently share
(a switchboard, a distribution list) is no key; the limits stand in the seed identity_keys. What the CRM itself merged
or converted is one person, and counts as one there. A browser is never a key: it is given to a person afterwards, and
only when a single person was ever identified on it; nor is an address on the net. What the keys leave apart is
compared by name, company and the rest (person_links).
"""

from __future__ import annotations

import duckdb

from persona_warehouse.identity.clusters import cluster, live
from persona_warehouse.identity.ledger import assign_ids
from persona_warehouse.identity.person_features import PERSON_NAMES, fill_names, read_companies
from persona_warehouse.identity.person_links import link_people
from persona_warehouse.identity.remarks import update_remarks
from persona_warehouse.identity.reused import note_reused_ids
from persona_warehouse.settings import Settings

# a visitor is known by all that was given together on the site
WEB_NODE = (
    "'website|users|' || concat_ws('|', "
    + ", ".join(f"coalesce({column}, '')" for column in ("user_id", "email", "phone", "openid"))
    + ")"
)
KEYS = {"email": "true", "phone": "is_mobile", "unionid": "true", "openid": "true", "user_id": "true"}


def collect_person_records(connection: duckdb.DuckDBPyConnection) -> None:
    """person_records: one row per source record of a person; person_links: what the CRM itself says is one person."""
    update_remarks(connection)
    connection.execute(f"""
    create or replace temp table person_records as
    with recursive {live("live_contacts", "stg_crm__contacts", "contact_id")},
    {live("live_leads", "stg_crm__leads", "lead_id")},
    crm as (
        select 'contacts' as source_object, contact_id as source_id, company_id, cast(null as varchar) as company_name,
               full_name, job_title, email, phone, unionid, openid, created_at, updated_at
        from staging.stg_crm__contacts
        where contact_id in (select id from live_contacts)
        union all
        select 'leads', lead_id, null, company_name, full_name, job_title, email, phone, unionid, openid, created_at,
               updated_at
        from staging.stg_crm__leads
        where lead_id in (select id from live_leads)
    ),
    web as (
        select user_id, email, phone, openid, min(occurred_at) as created_at, max(occurred_at) as updated_at
        from staging.stg_website__events
        where coalesce(user_id, email, phone, openid) is not null
        group by all
    ),
    -- who only ever came and went before the list of followers was read is known by the events
    followers as (
        select openid, unionid, remark, subscribed_at from staging.stg_wechat__followers
        union all
        select openid, null, null, min(created_at)
        from staging.stg_wechat__follower_events
        where openid not in (select openid from staging.stg_wechat__followers)
        group by openid
    ),
    records as (
        select 'crm' as source_system, source_object, source_id, 'crm|' || source_object || '|' || source_id as node,
               company_id, company_name, full_name, job_title, email, phone, unionid, openid,
               cast(null as varchar) as user_id, created_at, updated_at
        from crm
        union all
        select 'website', 'users', coalesce(user_id, email, phone, openid), {WEB_NODE},
               null, null, null, null, email, phone, null, openid, user_id, created_at, updated_at
        from web
        union all
        select 'wechat', 'followers', openid, 'wechat|followers|' || openid,
               null, r.company, r.name, r.title, null, r.phone, unionid, openid, null, subscribed_at, subscribed_at
        from followers left join identity.remarks as r on r.raw = remark
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


def resolve_people(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """identity.people and identity.employments from person_records and identity.companies."""
    _keys(connection)
    _employers_of_records(connection)
    link_people(connection)
    assign_ids(connection, settings, "contact", "c_", "person_clusters")
    note_reused_ids(connection, settings, "contact")
    _people(connection)
    _employments(connection)


def _keys(connection: duckdb.DuckDBPyConnection) -> None:
    """person_keys: the keys that link; person_edges: what they and the CRM link."""
    fill_names(connection, "select distinct full_name as raw from person_records where full_name is not null")
    candidates = " union all ".join(
        f"select node, '{key}' as key_type, {key} as key_value from person_records where {key} is not null and {rule}"
        for key, rule in KEYS.items()
    )
    connection.execute(f"""
    create or replace temp table person_keys as
    with candidates as ({candidates}),
    -- each person of the CRM once a key, under one name and one address; a name is the same in any script and spacing,
    -- and half of one (王总) is none
    holders as (
        select c.key_type, c.key_value, g.cluster_id, min(r.email) as email,
               min(coalesce(n.name_key, case when n.raw is null then lower(replace(r.full_name, ' ', '')) end)) as name
        from candidates as c
        join person_records as r using (node)
        join person_groups as g using (node)
        left join identity.{PERSON_NAMES.name} as n on n.raw = r.full_name
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
            or count(distinct h.name) > k.max_names
            or count(distinct h.email) > k.max_emails
    )
    select node, key_type, key_value
    from candidates as c
    where not exists (select 1 from shared as s where s.key_type = c.key_type and s.key_value = c.key_value)""")
    connection.execute("""
    create or replace temp table person_edges as
    select node as node_l, first_node as node_r, key_type as method
    from (select *, min(node) over (partition by key_type, key_value) as first_node from person_keys)
    where node <> first_node
    union all
    select node_l, node_r, 'crm link' from person_links""")


def _employers_of_records(connection: duckdb.DuckDBPyConnection) -> None:
    """person_employers(node, account_id, account_method, company_name): the CRM's word, a mail domain, a name."""
    read_companies(connection, "select name as raw from staging.stg_crm__companies")
    read_companies(connection, "select company_name as raw from person_records")
    connection.execute("""
    create or replace temp table account_names as
    select distinct i.account_id, c.name as company_name, lower(n.brand) as brand, n.key
    from identity.companies as i
    join staging.stg_crm__companies as c on i.source_system = 'crm' and c.company_id = i.source_id
    join identity.company_names as n on n.raw = c.name
    where n.brand is not null""")
    connection.execute("""
    create or replace temp table person_employers as
    with crm_accounts as (
        select source_id, account_id from identity.companies where source_system = 'crm'
    ),
    domain_accounts as (
        select domain, min(account_id) as account_id from identity.companies where domain is not null
        group by domain having count(distinct account_id) = 1
    ),
    -- a name that two accounts bear tells neither
    key_accounts as (
        select key, min(account_id) as account_id from account_names group by key having count(distinct account_id) = 1
    ),
    brand_accounts as (
        select brand, min(account_id) as account_id from account_names
        group by brand having count(distinct account_id) = 1
    ),
    account_brands as (
        select account_id, min(company_name) as company_name from account_names group by account_id
    )
    select r.node, coalesce(c.account_id, d.account_id) as account_id,
           case when c.account_id is not null then 'crm' when d.account_id is not null then 'email domain' end
               as account_method,
           coalesce(c.account_id, d.account_id, k.account_id, b.account_id) as likely_account_id,
           coalesce(r.company_name, a.company_name) as company_name
    from person_records as r
    left join crm_accounts as c on c.source_id = r.company_id
    -- nothing but equality in the conditions: otherwise every record is compared with every company
    left join domain_accounts as d on d.domain = case when not r.is_free_mail then r.email_domain end
    left join identity.company_names as n on n.raw = r.company_name
    left join key_accounts as k on k.key = n.key
    left join brand_accounts as b on b.brand = lower(n.brand)
    left join account_brands as a on a.account_id = coalesce(c.account_id, d.account_id)""")


def _people(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
    create or replace table identity.people as
    with linked as (
        select r.*, a.entity_id as contact_id, e.account_id as own_account_id, e.account_method as own_method,
               e.likely_account_id
        from person_records as r
        join identity.assigned as a on a.entity = 'contact' and a.node = r.node
        join person_employers as e on e.node = r.node
    ),
    -- the CRM's own link first, the newest record's; then the domain of a mail address; then the company's name
    employers as (
        select contact_id, coalesce(own_account_id, likely_account_id) as account_id,
               coalesce(own_method, 'company name') as account_method
        from linked
        where likely_account_id is not null
        qualify row_number() over (
            partition by contact_id
            order by case own_method when 'crm' then 0 when 'email domain' then 1 else 2 end,
                     updated_at desc nulls last, node
        ) = 1
    )
    select l.node as identity_key, l.source_system, l.source_object, l.source_id, l.contact_id, e.account_id,
           e.account_method, l.full_name, l.email, l.phone, l.unionid, l.openid, m.match_method, m.match_probability,
           l.created_at as valid_from
    from linked as l
    left join employers as e using (contact_id)
    join person_methods as m on m.node = l.node""")


def _employments(connection: duckdb.DuckDBPyConnection) -> None:
    """identity.employments: from when to when a contact was seen at an account; who changes company has two.

    A record that names another company than yesterday begins an episode; an account that was merged away goes on
    under its new id.
    """
    connection.execute("""
    create table if not exists identity.record_employers
    (node varchar, account_id varchar, account_method varchar, valid_from timestamptz)""")
    # a former id goes on as what it merged into, for as long as that stands
    seen = """(select o.node, coalesce(a.entity_id, o.account_id) as account_id, o.account_method, o.valid_from
        from identity.record_employers as o
        left join identity.aliases as a on a.entity = 'account' and a.old_id = o.account_id)"""
    connection.execute(f"""
    insert into identity.record_employers
    select e.node, e.account_id, e.account_method,
           case when exists (select 1 from identity.record_employers as o where o.node = e.node)
                then coalesce(r.updated_at, r.created_at) else coalesce(r.created_at, r.updated_at) end
    from person_employers as e join person_records as r using (node)
    where e.account_id is not null
      and not exists (
          select 1 from {seen} as o where o.node = e.node and o.account_id = e.account_id
      )""")
    connection.execute(f"""
    create or replace table identity.employments as
    with seen as (
        select p.contact_id, e.account_id, min(e.account_method) as account_method, min(e.valid_from) as valid_from
        from {seen} as e join identity.people as p on p.identity_key = e.node
        where e.account_id in (select account_id from identity.companies)
        group by all
    )
    select *, lead(valid_from) over (partition by contact_id order by valid_from nulls first, account_id) as valid_to
    from seen""")


def find_visitors(connection: duckdb.DuckDBPyConnection) -> None:
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
