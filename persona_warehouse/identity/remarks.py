"""WeChat remarks read once, with the companies that the CRM knows; again when it comes to know one that is in them."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from persona_warehouse.identity.normalise import PHONES, Dictionary, fill_dictionary
from persona_warehouse.identity.person_features import read_companies
from persona_warehouse.recognise.remarks import Remark, read_remarks

# a reading that rests on less is none
SURE = 0.5


def update_remarks(connection: duckdb.DuckDBPyConnection) -> None:
    """identity.remarks(raw, name, company, title, phone)."""
    read_companies(connection, "select name as raw from staging.stg_crm__companies")
    read_companies(connection, "select company_name as raw from staging.stg_crm__leads")
    connection.execute("create table if not exists identity.known_companies (name varchar primary key)")
    connection.execute("""
    create or replace temp table new_companies as
    select name from (
        select raw as name from identity.company_names where brand is not null
        union select brand from identity.company_names where brand is not null
    )
    where length(name) >= 2 and name not in (select name from identity.known_companies)""")
    connection.execute("insert into identity.known_companies from new_companies")
    known = {row[0] for row in connection.execute("select name from identity.known_companies").fetchall()}

    columns = {"name": "varchar", "company": "varchar", "title": "varchar", "phone": "varchar"}

    def parts(raw: pa.Array) -> dict[str, pa.Array]:
        found = [one if one.confidence >= SURE else Remark() for one in read_remarks(raw.to_pylist(), known)]
        return {name: pa.array([getattr(one, name) for one in found], pa.string()) for name in columns}

    remarks = Dictionary("remarks", columns, "", all_at_once=parts)
    fill_dictionary(connection, remarks, "select raw from (values ('')) as t(raw) where false")
    connection.execute("""
    delete from identity.remarks as r
    where exists (select 1 from new_companies as n where contains(lower(r.raw), lower(n.name)))""")
    fill_dictionary(
        connection, remarks, "select distinct remark as raw from staging.stg_wechat__followers where remark is not null"
    )
    fill_dictionary(connection, PHONES, "select distinct phone as raw from identity.remarks where phone is not null")
    connection.execute("drop table new_companies")
