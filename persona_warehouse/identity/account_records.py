"""Records that name a company: the CRM's own, names that leads and WeChat remarks give, enrichment rows, mail domains.

A lead's company and a remark's company are records of their own; whether the CRM knows the company is found out.
"""

from __future__ import annotations

import duckdb

from persona_warehouse.identity.account_features import MOST_EMPLOYERS, name_parts, read_places
from persona_warehouse.identity.clusters import cluster, live

# records that make no account by themselves: who is only remarked upon, or stands in a list that was bought
MENTIONS_ONLY = "('remark_companies', 'company_enrichment')"


def collect_company_records(connection: duckdb.DuckDBPyConnection) -> None:
    """company_records: one row per record, with its keys; company_edges: what keys and the CRM make one.

    Needs person_records and person_groups.
    """
    _crm_companies(connection)
    _mentions(connection)
    _own_domains(connection)
    _derived_domains(connection)
    _records(connection)
    _edges(connection)


def _crm_companies(connection: duckdb.DuckDBPyConnection) -> None:
    """crm_companies, and company_groups: those that the CRM merged."""
    connection.execute(f"""
    create or replace temp table crm_companies as
    with recursive {live("live_companies", "stg_crm__companies", "company_id")},
    -- a code that enrichment gives, when it gives one
    enriched as (
        select e.company_id, min(u.uscc) as uscc
        from staging.stg_crm__company_enrichment as e join identity.credit_codes as u on u.raw = e.uscc
        where e.company_id is not null and u.uscc is not null
        group by e.company_id having count(distinct u.uscc) = 1
    )
    select 'crm|companies|' || c.company_id as node, c.company_id as source_id, coalesce(u.uscc, e.uscc) as uscc,
           coalesce(d.domain, w.domain) as domain, coalesce(a.full_name, c.name) as name,
           'crm|companies|' || c.merged_into_id as same_as, 'crm|companies|' || c.parent_company_id as parent,
           c.province, c.city, c.created_at, coalesce(c.updated_at, c.created_at) as changed_at
    from staging.stg_crm__companies as c
    left join identity.credit_codes as u on u.raw = c.uscc
    left join identity.domains as d on d.raw = c.domain
    left join identity.domains as w on w.raw = c.website
    left join enriched as e on e.company_id = c.company_id
    left join override_names as a on a.alias = lower(trim(c.name))
    where c.company_id in (select id from live_companies)""")
    connection.execute("""
    create or replace temp table company_links as
    select node as node_l, same_as as node_r from crm_companies
    where same_as <> node and same_as in (select node from crm_companies)""")
    cluster(connection, "crm_companies", "company_links", "company_groups")


def _mentions(connection: duckdb.DuckDBPyConnection) -> None:
    """company_mentions: names that are no company record of the CRM; account_names: all names, read."""
    connection.execute("""
    create or replace temp table company_mentions as
    with mentions as (
        select 'derived' as source_system, 'lead_companies' as source_object, source_id,
               'derived|lead_companies|' || source_id as node, company_name, null as uscc, email_domain, created_at
        from person_records where source_object = 'leads'
        union all
        select 'derived', 'remark_companies', source_id, 'derived|remark_companies|' || source_id, company_name, null,
               null, created_at
        from person_records where source_object = 'followers'
        union all
        select distinct 'derived', 'company_enrichment', concat_ws('|', u.uscc, e.company_name),
               'derived|company_enrichment|' || concat_ws('|', u.uscc, e.company_name), e.company_name, u.uscc, null,
               cast(null as timestamptz)
        from staging.stg_crm__company_enrichment as e
        left join identity.credit_codes as u on u.raw = e.uscc
        where e.company_id is null or 'crm|companies|' || e.company_id not in (select node from crm_companies)
    )
    select m.* exclude (company_name, email_domain), coalesce(a.full_name, m.company_name) as company_name,
           d.email_domain
    from mentions as m
    left join override_names as a on a.alias = lower(trim(m.company_name))
    left join (select distinct email_domain from person_records where not is_free_mail and email_domain is not null)
        as d using (email_domain)""")
    connection.execute("""
    create or replace temp table company_texts as
    select name as company_name from crm_companies where name is not null
    union select company_name from company_mentions where company_name is not null
    union select distinct replace(split_part(email_domain, '.', 1), '-', ' ') from person_records
    where email_domain is not null and not is_free_mail""")
    name_parts(connection, "company_texts", "account_names")
    # what is no company's name (无, 测试, one sign) and gives no code says nothing
    connection.execute("""
    delete from company_mentions
    where uscc is null and (company_name is null or company_name not in (select raw from account_names))""")


def _own_domains(connection: duckdb.DuckDBPyConnection) -> None:
    """company_domains(node, domain, any_domain): the domain that is a key of the record, and any that it has."""
    connection.execute("""
    create or replace temp table crm_named as
    select c.*, g.cluster_id, n.brand, n.sound, n.is_latin, n.is_full, n.branch
    from crm_companies as c join company_groups as g using (node)
    left join account_names as n on n.raw = c.name""")
    # the domain from which most of a company's people write is its own, when it has none and no other company's do
    connection.execute("""
    create or replace temp table mailed_domains as
    with mailed as (
        select g.cluster_id, p.email_domain as domain, count(distinct p.email) as people
        from person_records as p join company_groups as g on g.node = 'crm|companies|' || p.company_id
        where p.email_domain is not null and not p.is_free_mail
        group by all
    )
    select cluster_id, domain
    from mailed
    where cluster_id not in (select cluster_id from crm_named where domain is not null)
      and domain not in (select domain from crm_named where domain is not null)
    qualify count(*) over (partition by domain) = 1
        and people >= 0.5 * sum(people) over (partition by cluster_id)
        and row_number() over (partition by cluster_id order by people desc, domain) = 1""")
    connection.execute(f"""
    create or replace temp table shared_domains as
    with recursive above as (
        select distinct c.cluster_id, p.cluster_id as above_id
        from crm_named as c join crm_named as p on p.node = c.parent
    ),
    ancestors as (
        select cluster_id, above_id from above
        union
        select a.cluster_id, b.above_id from ancestors as a join above as b on b.cluster_id = a.above_id
    ),
    -- a branch writes from its house's domain
    holders as (select * from crm_named where domain is not null and branch is null)
    -- a domain that several companies of different codes use, or a group's parent and child, tells none of them
    select domain
    from (select cluster_id, domain, min(uscc) as uscc from holders group by all)
    group by domain
    having count(distinct uscc) > 1
        or count(*) > (select max_records from seeds.identity_keys where entity = 'account' and key_type = 'domain')
    union
    select c.domain
    from ancestors as a
    join holders as c on c.cluster_id = a.cluster_id
    join holders as p on p.cluster_id = a.above_id and p.domain = c.domain
    where a.cluster_id <> a.above_id
    union
    -- two whole names that contradict each other are two companies
    select l.domain
    from holders as l join holders as r on r.domain = l.domain and l.node < r.node
    where l.is_full and r.is_full and {_contradict("l", "r")}""")
    # whoever names another company than the domain's does not write from the domain of that company
    connection.execute(f"""
    create or replace temp table company_domains as
    with candidates as (
        select node, domain, brand, sound, is_latin, branch, true as is_crm from crm_named where domain is not null
        union all
        select c.node, m.domain, c.brand, c.sound, c.is_latin, c.branch, true
        from crm_named as c join mailed_domains as m using (cluster_id)
        union all
        select m.node, m.email_domain, n.brand, n.sound, n.is_latin, n.branch, false
        from company_mentions as m join account_names as n on n.raw = m.company_name
        where m.email_domain is not null
    ),
    -- what the domain's company is called: in the CRM, else by most who write from there
    bearers as (
        select distinct domain, brand, sound, is_latin from candidates where is_crm and brand is not null
        union all
        select domain, brand, min(sound), is_latin
        from candidates
        where domain not in (select domain from candidates where is_crm and brand is not null)
        group by domain, brand, is_latin
        qualify row_number() over (partition by domain order by count(*) desc, brand) = 1
    ),
    strangers as (
        select c.node from candidates as c join bearers as b using (domain)
        where not c.is_crm group by c.node having bool_and({_contradict("c", "b")})
    )
    select node, domain as any_domain,
           case when branch is null and domain not in (select domain from shared_domains)
                     and node not in (select node from strangers) then domain end as domain
    from candidates""")


def _contradict(left: str, right: str) -> str:
    """Whether two brands of one script have less than half of their signs in common and sound different."""
    signs = f"string_split({left}.brand, ''), string_split({right}.brand, '')"
    return f"""coalesce({left}.is_latin = {right}.is_latin and {left}.sound <> {right}.sound
        and case when {left}.is_latin then jaro_winkler_similarity({left}.brand, {right}.brand) < 0.8
            else 2 * len(list_intersect({signs}))
                <= least(length({left}.brand), length({right}.brand)) end, false)"""


def _derived_domains(connection: duckdb.DuckDBPyConnection) -> None:
    """derived_domains: mail domains of people whose company the CRM does not know."""
    connection.execute("""
    create or replace temp table derived_domains as
    select email_domain as domain, min(created_at) as created_at, min(company_name) as company_name
    from person_records as p
    where email_domain is not null and not is_free_mail
      and not exists (select 1 from staging.stg_crm__companies as c where c.company_id = p.company_id)
      and email_domain not in (select domain from shared_domains)
    group by email_domain""")


def _records(connection: duckdb.DuckDBPyConnection) -> None:
    read_places(
        connection,
        "select distinct unnest([province, city]) as raw from crm_companies where coalesce(province, city) is not null",
    )
    connection.execute("""
    create or replace temp table company_records as
    select 'crm' as source_system, 'companies' as source_object, c.source_id, c.node, c.uscc, d.domain, d.any_domain,
           c.created_at, c.name as company_name, c.parent,
           coalesce(case when p.province is null or l.province is null or p.province = l.province then l.province end,
                    p.province) as province_code,
           case when p.province is null or p.province = l.province then l.city end as city_code
    from crm_companies as c
    left join company_domains as d using (node)
    left join identity.company_places as p on p.raw = c.province
    left join identity.company_places as l on l.raw = c.city
    union all
    select m.source_system, m.source_object, m.source_id, m.node, m.uscc, d.domain, d.any_domain, m.created_at,
           m.company_name, null, null, null
    from company_mentions as m left join company_domains as d using (node)
    union all
    select 'derived', 'domains', domain, 'derived|domains|' || domain, null, domain, domain, created_at, company_name,
           null, null, null
    from derived_domains""")
    connection.execute("""
    create or replace temp table company_words as
    select r.node, n.squeezed, n.branch, n.place,
           -- a domain is called by its own words: xinghe-tech.com
           case when r.source_object <> 'domains' then r.company_name
                else replace(split_part(r.domain, '.', 1), '-', ' ') end as words
    from company_records as r left join account_names as n on n.raw = r.company_name""")


def _edges(connection: duckdb.DuckDBPyConnection) -> None:
    """company_keys(node, key_type, key_value); company_edges(node_l, node_r, method)."""
    connection.execute("""
    create or replace temp table company_keys as
    -- a branch that stands with its house's code is its branch still
    select node, 'uscc' as key_type, concat_ws('|', uscc, n.branch) as key_value
    from company_records left join account_names as n on n.raw = company_name
    where uscc is not null
    union all
    select node, 'domain', domain from company_records where domain is not null""")
    connection.execute("""
    create or replace temp table company_edges as
    select node as node_l, first_node as node_r, key_type as method
    from (select *, min(node) over (partition by key_type, key_value) as first_node from company_keys)
    where node <> first_node
    union all
    select node_l, node_r, 'crm link' from company_links""")


def people_of_companies(connection: duckdb.DuckDBPyConnection) -> None:
    """company_people(node, people): whom a record knows, by keys of persons, but for those whom many know."""
    connection.execute(f"""
    create or replace temp table company_people as
    with known as (
        select case when source_object = 'contacts' then 'crm|companies|' || company_id
                    when source_object = 'leads' then 'derived|lead_companies|' || source_id
                    when source_object = 'followers' then 'derived|remark_companies|' || source_id end as node,
               unnest([email, case when is_mobile then phone end, unionid, openid, g.cluster_id]) as person
        from person_records as p join person_groups as g using (node)
        where source_object in ('contacts', 'leads', 'followers')
    ),
    placed as (
        select distinct k.node, k.person, b.cluster_id
        from known as k join company_bases as b on b.node = k.node
        where k.person is not null
    ),
    telling as (
        select person from placed group by person
        having count(distinct cluster_id) between 2 and {MOST_EMPLOYERS}
    )
    select node, list(distinct person order by person) as people
    from placed semi join telling using (person)
    group by node""")
