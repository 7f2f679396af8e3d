"""Companies by likeness: what keys leave apart is compared by name, place and the addresses of their people."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pyarrow as pa
from pypinyin import lazy_pinyin

from persona_warehouse.identity import linkage
from persona_warehouse.identity.clusters import cluster
from persona_warehouse.identity.company_model import APART, COMPANY_DESIGN, names_sql
from persona_warehouse.identity.grouping import group
from persona_warehouse.identity.linkage import Model
from persona_warehouse.identity.person_features import read_companies
from persona_warehouse.recognise.addresses import read_address
from persona_warehouse.recognise.companies import section_of

ENTITY = "account"
# two are one from this probability on; less likely pairs than the other are not looked at
THRESHOLD, LEAST = 0.9, 0.05


def link_companies(connection: duckdb.DuckDBPyConnection) -> None:
    """company_clusters(node, cluster_id) and company_methods(node, match_method, match_probability).

    Needs company_records, company_edges, person_records.
    """
    cluster(connection, "company_records", "company_edges", "company_bases")
    _features(connection)
    model = linkage.train(connection, COMPANY_DESIGN, "company_features", frequencies="identity.company_terms")
    linkage.score(connection, model, "company_features", "scored_companies", least=LEAST)
    _apart(connection)
    connection.execute(
        "create or replace temp table company_nodes as select node, cluster_id as base from company_bases"
    )
    group(
        connection, "company_nodes", "scored_companies", "company_apart", "company_groups",
        threshold=THRESHOLD, prior=model.prior,
        score_pairs=lambda pairs, out: _score_inside(connection, model, pairs, out),
    )  # fmt: skip
    connection.execute("""
    create or replace temp table company_clusters as
    select n.node, min(n.node) over (partition by g.cluster_id) as cluster_id
    from company_nodes as n join company_groups as g using (base)""")
    _methods(connection)


def _features(connection: duckdb.DuckDBPyConnection) -> None:
    """company_features: every record as it is compared."""
    read_companies(connection, "select name as raw from company_records")
    _fill(
        connection, "brand_sounds", "select distinct brand as raw from identity.company_names", ["sound"],
        lambda brand: ("".join(lazy_pinyin(brand)).lower(),),
    )  # fmt: skip
    places = """select place as raw from identity.company_names
                union select region from company_records where region <> ''"""
    _fill(connection, "places", places, ["province_code", "city_code"], _codes)
    trades = "select distinct trade as raw from identity.company_names"
    _fill(connection, "trade_sections", trades, ["section"], lambda trade: (section_of(trade),))
    connection.execute(r"""
    create or replace temp table company_features as
    with people as (
        -- the domain of most addresses of a company's people
        select 'crm|companies|' || company_id as node, email_domain as people_domain
        from person_records
        where company_id is not null and email_domain is not null and not is_free_mail
        group by company_id, email_domain
        qualify row_number() over (partition by company_id order by count(*) desc, email_domain) = 1
    ),
    parts as (
        select r.node, b.cluster_id as entity, r.uscc, r.domain, lower(n.brand) as brand, s.sound as brand_sound,
               n.trade, t.section as trade_section, n.branch,
               case when n.trade is not null and n.place is not null then n.key end as name_key,
               coalesce(p.province_code, q.province_code) as province,
               coalesce(case when p.province_code is null or p.province_code = q.province_code then
                   coalesce(p.city_code, q.city_code) else p.city_code end) as place,
               coalesce(o.people_domain, r.domain) as people_domain, nullif(trim(r.industry), '') as industry
        from company_records as r
        join company_bases as b using (node)
        left join identity.company_names as n on n.raw = r.name
        left join identity.brand_sounds as s on s.raw = n.brand
        left join identity.trade_sections as t on t.raw = n.trade
        left join identity.places as p on p.raw = n.place
        left join identity.places as q on q.raw = r.region
        left join people as o using (node)
    )
    select *, left(brand_sound, 3) as brand_start, right(brand_sound, 3) as brand_end from parts""")


def _codes(raw: str) -> tuple[str | None, str | None]:
    place = read_address(raw)
    return place.province_code, place.city_code


def _fill(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    raw_values: str,
    columns: list[str],
    read: Callable[[str], tuple[str | None, ...]],
) -> None:
    """Adds to identity.<name>(raw, …) what it has not."""
    told = ", ".join(f"{column} varchar" for column in columns)
    connection.execute(f"create table if not exists identity.{name} (raw varchar primary key, {told})")
    new = connection.execute(
        f"select distinct raw from ({raw_values})"
        f" where raw is not null and raw not in (select raw from identity.{name})"
    ).fetchall()
    if not new:
        return
    rows = [(raw, *read(raw)) for (raw,) in new]
    arrays = [pa.array(list(values), pa.string()) for values in zip(*rows, strict=True)]
    connection.register("read_values", pa.table(arrays, names=["raw", *columns]))
    connection.execute(f"insert into identity.{name} from read_values")
    connection.unregister("read_values")


def _apart(connection: duckdb.DuckDBPyConnection) -> None:
    """company_apart(base_l, base_r): bases of which two records may not be one."""
    connection.execute(
        f"""
    create or replace temp table company_apart as
    with pairs as (
        select l.entity as base_l, r.entity as base_r, {{columns}}
        from scored_companies as s
        join company_features as l on l.node = s.node_l join company_features as r on r.node = s.node_r
        where l.entity <> r.entity
    )
    select distinct base_l, base_r from pairs where {APART}""".replace(
            "{columns}",
            ", ".join(
                f"{side}.{column} as {column}_{side}"
                for side in "lr"
                for column in ("uscc", "place", "province", "branch", "domain", "trade", "trade_section")
            ),
        )
    )


def _score_inside(connection: duckdb.DuckDBPyConnection, model: Model, pairs: str, out: str) -> None:
    linkage.score(connection, model, "company_features", "leveled_companies", least=0.0, pairs=pairs, levels=True)
    connection.execute(
        f"create or replace temp table {out} as "
        f"select node_l, node_r, match_weight, {names_sql()} as names from leveled_companies"
    )
    connection.execute("drop table leveled_companies")


def _methods(connection: duckdb.DuckDBPyConnection) -> None:
    """How each record is joined, and by how likely a link; identity.links keeps all of them."""
    connection.execute("""
    create table if not exists identity.links
    (entity varchar, node_l varchar, node_r varchar, method varchar, match_weight double, match_probability double,
     names integer)""")
    connection.execute(f"delete from identity.links where entity = '{ENTITY}'")
    connection.execute(f"""
    insert into identity.links
    with links as (
        select least(node_l, node_r) as node_l, greatest(node_l, node_r) as node_r, method,
               cast(null as double) as match_weight, 1.0 as match_probability
        from (select distinct node_l, node_r, method from company_edges)
        union all
        select node_l, node_r, 'likeness', match_weight, match_probability from scored_companies
    )
    select '{ENTITY}', k.node_l, k.node_r, k.method, k.match_weight, k.match_probability, null
    from links as k
    join company_clusters as l on l.node = k.node_l join company_clusters as r on r.node = k.node_r
    where l.cluster_id = r.cluster_id""")
    connection.execute(f"""
    create or replace temp table company_methods as
    with sides as (
        select node_l as node, method, match_probability from identity.links where entity = '{ENTITY}'
        union all
        select node_r, method, match_probability from identity.links where entity = '{ENTITY}'
    ),
    keyed as (
        select node, string_agg(distinct method, ', ' order by method) as match_method
        from sides where method <> 'likeness' group by node
    ),
    alike as (
        select node, max(match_probability) as match_probability from sides where method = 'likeness' group by node
    )
    select c.node, coalesce(k.match_method, case when a.node is not null then 'likeness' end, 'single record')
               as match_method,
           case when k.node is not null or a.node is null then 1.0 else a.match_probability end as match_probability
    from company_clusters as c left join keyed as k using (node) left join alike as a using (node)""")
