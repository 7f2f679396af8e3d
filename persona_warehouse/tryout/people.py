"""`persona try people`: which records of a file are one person, or whom of another file each is."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.identity import linkage
from persona_warehouse.identity.grouping import group
from persona_warehouse.identity.linkage import Model
from persona_warehouse.identity.normalise import EMAILS, PHONES, fill_dictionary
from persona_warehouse.identity.person_features import crowded_blocks, make_features, read_companies, thin_blocks
from persona_warehouse.identity.person_model import BLOCKS, COMPARISONS, names_sql, person_design
from persona_warehouse.recognise.remarks import read_remarks
from persona_warehouse.warehouse import identifier, scratch

# what a column is usually called, in lower case with blanks as _
USUAL_COLUMNS = {
    "id": ("id", "unique_id", "record_id", "contact_id", "lead_id", "person_id", "user_no", "编号", "序号", "客户编号",
           "联系人编号", "线索编号", "记录编号"),
    "full_name": ("full_name", "name", "fullname", "contact_name", "person_name", "姓名", "名字", "联系人",
                  "联系人姓名", "客户姓名", "称呼"),
    "first_name": ("first_name", "firstname", "given_name", "forename", "名"),
    "last_name": ("last_name", "lastname", "surname", "family_name", "姓", "姓氏"),
    "email": ("email", "e-mail", "email_address", "mail", "work_email", "邮箱", "电子邮箱", "电子邮件", "邮件"),
    "phone": ("phone", "mobile", "phone_number", "mobile_phone", "mobile_number", "cell", "tel", "telephone", "手机",
              "手机号", "手机号码", "电话", "联系电话", "联系方式"),
    "company_name": ("company", "company_name", "account_name", "account", "organization", "organisation", "employer",
                     "公司", "公司名称", "企业名称", "单位", "单位名称", "客户名称", "企业"),
    "job_title": ("title", "job_title", "jobtitle", "position", "role", "职位", "职务", "岗位", "头衔"),
    "city": ("city", "town", "城市", "所在城市", "所在地", "地址", "address"),
    "birth_date": ("dob", "date_of_birth", "birth_date", "birthday", "birthdate", "出生日期", "生日"),
    "openid": ("openid", "open_id", "wechat_openid"),
    "unionid": ("unionid", "union_id", "wechat_unionid"),
    "user_id": ("user_id", "userid", "login", "用户id", "用户编号"),
    "remark": ("remark", "remarks", "wechat_remark", "备注", "微信备注", "备注名"),
}  # fmt: skip

# pairs from here on count when odds are set against each other
LEAST = 0.02
# an identifier that so many records give, or people of so many names, is nobody's: a switchboard, a list
MOST_RECORDS, MOST_NAMES = 30, 3

BIRTH_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d/%m/%Y", "%d.%m.%Y", "%d-%b-%Y")


@dataclass(frozen=True)
class Found:
    """The columns beside the input, the pairs that they rest on, and a sentence."""

    columns: dict[str, pa.Array]
    pairs: pa.Table
    said: str


def read_people(
    table: pa.Table, file: Path, against: pa.Table | None, against_file: Path | None, threshold: float
) -> Found:
    """Groups the records of a table, or finds each in another table.

    Raises:
        ConfigError: a table has no column that tells persons apart, or the threshold is none.
    """
    if not 0 < threshold < 1:
        raise ConfigError(
            "the threshold is no probability",
            field="threshold",
            expected="between 0 and 1",
            found=str(threshold),
            remedy="0.5 joins what is likelier than not, 0.95 only what is nearly sure",
        )
    with scratch() as connection:
        _records(connection, table, file, "left")
        if against is not None:
            _records(connection, against, against_file or file, "right")
        parts = "from left_records" + (" union all by name from right_records" if against is not None else "")
        connection.execute(f"create temp table all_records as {parts}")
        _without_shared(connection, "all_records")
        make_features(connection, "all_records", "features")
        crowded_blocks(connection, "features", "crowded")
        thin_blocks(connection, "features", "crowded")
        model = linkage.train(connection, _design(connection), "features", frequencies="frequencies")
        linkage.score(connection, model, "features", "scored", least=LEAST)
        if against is None:
            return _grouped(connection, model, table.num_rows, threshold)
        return _linked(connection, model, threshold)


def _records(connection: duckdb.DuckDBPyConnection, table: pa.Table, file: Path, side: str) -> None:
    """<side>_records: in RECORD_COLUMNS, with `place` (row of the file) and `shown` (its id)."""
    columns = _columns(table, file)
    connection.register("given", table.append_column("place", pa.array(range(table.num_rows), pa.int64())))

    def column(name: str) -> str:
        return f"nullif(trim({identifier(columns[name])}), '')" if name in columns else "cast(null as varchar)"

    name = column("full_name")
    if "full_name" not in columns:
        first, last = column("first_name"), column("last_name")
        # one half alone is a half: Mr Smith is known by his family name
        name = rf"""case
            when {first} is null and not regexp_matches({last}, '\p{{Han}}') then 'mr ' || {last}
            when {first} is null or {last} is null then coalesce({last}, {first})
            when regexp_matches({last}, '\p{{Han}}') then {last} || {first}
            else {last} || ', ' || {first} end"""
    plain = {each: column(each) for each in ("email", "phone", "company_name", "job_title", "city", "birth_date")}
    ids = {each: column(each) for each in ("openid", "unionid", "user_id")}
    connection.execute(f"""
    create or replace temp table typed as
    select place, coalesce({column("id")}, cast(place + 1 as varchar)) as shown, {column("remark")} as remark,
           {name} as full_name, {", ".join(f"{sql} as {each}" for each, sql in {**plain, **ids}.items())}
    from given""")
    connection.unregister("given")
    _read_remarks(connection)
    fill_dictionary(connection, EMAILS, "select distinct email as raw from typed where email is not null")
    fill_dictionary(connection, PHONES, "select distinct phone as raw from typed where phone is not null")
    formats = ", ".join(f"'{each}'" for each in BIRTH_FORMATS)
    connection.execute(f"""
    create or replace temp table {side}_records as
    select t.place, '{side}' as side, t.shown,
           -- the id where it tells records apart: so the order of rows never matters
           '{side[0]}|' || case when count(*) over (partition by t.shown) = 1 then t.shown
                           else t.shown || '|' || t.place end as node,
           node as entity, t.full_name, e.email, e.domain as email_domain,
           coalesce(e.is_free, false) as is_free_mail, p.e164 as phone,
           {", ".join(f"case when length(t.{each}) > 2 then t.{each} end as {each}" for each in ids)},
           cast(null as varchar) as company, t.company_name, cast(null as varchar) as company_domain, t.city,
           t.job_title,
           strftime(coalesce(try_cast(t.birth_date as date), try_strptime(t.birth_date, [{formats}])), '%Y-%m-%d')
               as birth_date
    from typed as t
    left join identity.emails as e on e.raw = t.email
    left join identity.phones as p on p.raw = t.phone""")


def _columns(table: pa.Table, file: Path) -> dict[str, str]:
    by_name = {name.strip().lower().replace(" ", "_"): name for name in reversed(table.column_names)}
    found = {
        wanted: next(by_name[name] for name in names if name in by_name)
        for wanted, names in USUAL_COLUMNS.items()
        if any(name in by_name for name in names)
    }
    if not set(found) & {"full_name", "first_name", "last_name", "email", "phone", "openid", "unionid", "remark"}:
        near = difflib.get_close_matches("name", table.column_names, n=1)
        raise ConfigError(
            "no column tells persons apart",
            file=str(file),
            expected="columns such as name, email, phone, company, openid, remark (姓名, 邮箱, 手机, 公司, 备注)",
            found=", ".join(table.column_names) + (f" (nearest: {near[0]})" if near else ""),
            remedy="rename the columns in a copy of the file",
        )
    return found


def _read_remarks(connection: duckdb.DuckDBPyConnection) -> None:
    """What a remark says fills what no other column does."""
    remarks = [row[0] for row in connection.execute(
        "select distinct remark from typed where remark is not null order by all"
    ).fetchall()]  # fmt: skip
    if not remarks:
        return
    read_companies(connection, "select company_name as raw from typed")
    known = {row[0] for row in connection.execute(
        "select raw from identity.company_names union select brand from identity.company_names where brand is not null"
    ).fetchall()}  # fmt: skip
    found = read_remarks(remarks, known)
    parts = {name: pa.array([getattr(one, name) for one in found], pa.string()) for name in REMARK_PARTS}
    connection.register("read_remarks", pa.table({"remark": pa.array(remarks, pa.string()), **parts}))
    sets = ", ".join(f"coalesce(t.{target}, m.{name}) as {target}" for name, target in REMARK_PARTS.items())
    connection.execute(
        f"create or replace temp table typed as select t.* replace ({sets}) from typed as t "
        "left join read_remarks as m using (remark)"
    )
    connection.unregister("read_remarks")


REMARK_PARTS = {"name": "full_name", "company": "company_name", "title": "job_title", "phone": "phone"}


def _without_shared(connection: duckdb.DuckDBPyConnection, records: str) -> None:
    """Identifiers that are evidently shared become null."""
    for column in ("email", "phone", "unionid", "openid", "user_id"):
        connection.execute(f"""
        update {records} set {column} = null where {column} in (
            select {column} from {records} where {column} is not null group by {column}
            having count(*) > {MOST_RECORDS}
                or (count(distinct lower(replace(full_name, ' ', ''))) > {MOST_NAMES} and count(*) > 2 * {MOST_NAMES})
        )""")


def _design(connection: duckdb.DuckDBPyConnection) -> linkage.Design:
    """The parts of the design for which the file holds anything."""
    blocks = [f"count(block_{name}) as {name}" for name in BLOCKS]
    columns = ("name", "email", "phone", "unionid", "openid", "user_id", "city", "birth_date")
    filled = [f"count({name})" for name in columns]
    counts = connection.execute(f"""
        select {", ".join([*blocks, *filled])}, count(coalesce(company, brand, company_domain)), count(job_function)
        from features""").fetchone()
    counts = counts or ()
    names = (*BLOCKS, *columns, "company", "title")
    held = [count > 0 for count in counts]
    kept = [name for name, is_held in zip(names, held, strict=True) if is_held]
    compared = {name for name, is_held in zip(names[len(BLOCKS) :], held[len(BLOCKS) :], strict=True) if is_held}
    return person_design(kept[: sum(held[: len(BLOCKS)])], compared or {COMPARISONS[0].name})


def _with_names(connection: duckdb.DuckDBPyConnection, model: Model, pairs: str, out: str) -> None:
    linkage.score(connection, model, "features", "leveled", least=0.0, pairs=pairs, levels=True)
    connection.execute(f"""
    create or replace temp table {out} as
    select s.*, {names_sql(model.design)} as names
    from leveled as s join features as l on l.node = s.node_l join features as r on r.node = s.node_r""")


def _group(connection: duckdb.DuckDBPyConnection, model: Model, where: str, threshold: float, out: str) -> None:
    connection.execute("create or replace temp table apart (base_l varchar, base_r varchar)")
    connection.execute(
        f"create or replace temp table nodes as select node, node as base from all_records where {where}"
    )
    connection.execute(
        "create or replace temp table near_pairs as select s.* from scored as s "
        "semi join nodes as l on l.node = s.node_l semi join nodes as r on r.node = s.node_r"
    )
    group(
        connection, "nodes", "near_pairs", "apart", out, threshold=threshold, prior=model.prior,
        score_pairs=lambda pairs, scores: _with_names(connection, model, pairs, scores),
    )  # fmt: skip


def _grouped(connection: duckdb.DuckDBPyConnection, model: Model, rows: int, threshold: float) -> Found:
    _group(connection, model, "true", threshold, "groups")
    clusters = connection.execute("""
        select min(r.shown) over (partition by g.cluster_id) as cluster_id
        from groups as g join all_records as r on r.node = g.base order by r.place""").to_arrow_table()
    pairs = _pairs(connection, model, threshold)
    counted = connection.execute("select count(distinct cluster_id) from groups").fetchone()
    people = counted[0] if counted else 0
    return Found(
        {"cluster_id": clusters["cluster_id"].combine_chunks()},
        pairs,
        f"{people:,} persons, {rows - people:,} of the rows are doubles",
    )


def _pairs(connection: duckdb.DuckDBPyConnection, model: Model, threshold: float) -> pa.Table:
    """Every two records of a group, with what agrees; those alike only through others say so."""
    connection.execute("""
    create or replace temp table group_pairs as
    select l.base as node_l, r.base as node_r
    from groups as l join groups as r on r.cluster_id = l.cluster_id and l.base < r.base""")
    if not connection.execute("select 1 from group_pairs limit 1").fetchone():
        return _pair_table([], [], [], [])
    linkage.score(connection, model, "features", "leveled", least=0.0, pairs="group_pairs", levels=True)
    evidence = _evidence_sql(model)
    return connection.execute(f"""
        with either as (
            select node_l as one, node_r as other, match_probability from leveled
            union all
            select node_r, node_l, match_probability from leveled
        ),
        through as (
            select s.node_l, s.node_r, max(least(a.match_probability, b.match_probability)) as probability
            from leveled as s join either as a on a.one = s.node_l
            join either as b on b.one = a.other and b.other = s.node_r
            where s.match_probability < {threshold}
            group by all
        )
        select l.shown as id_l, r.shown as id_r,
               round(greatest(s.match_probability, coalesce(t.probability, 0)), 4) as probability,
               concat_ws('; ', case when t.probability > s.match_probability then 'through others' end, {evidence})
                   as evidence
        from leveled as s left join through as t using (node_l, node_r)
        join all_records as l on l.node = s.node_l join all_records as r on r.node = s.node_r
        order by l.place, r.place""").to_arrow_table()


def _pair_table(*columns: list[object]) -> pa.Table:
    types = (pa.string(), pa.string(), pa.float64(), pa.string())
    names = ("id_l", "id_r", "probability", "evidence")
    return pa.table({name: pa.array(each, type_) for name, each, type_ in zip(names, columns, types, strict=True)})


def _evidence_sql(model: Model) -> str:
    """What agrees, and after `but` what does not, in words."""
    agree, against = [], []
    for comparison in model.design.comparisons:
        cases = [
            f"when s.gamma_{comparison.name} = {gamma} then '{comparison.label(gamma)}'"
            for gamma in range(1, len(comparison.levels))
        ]
        agree.append(f"case {' '.join(cases)} end")
        against.append(f"case when s.gamma_{comparison.name} = 0 then '{comparison.label(0)}' end")
    return (
        f"nullif(concat_ws('; ', {', '.join(agree)}), ''), 'but ' || nullif(concat_ws('; ', {', '.join(against)}), '')"
    )


def _linked(connection: duckdb.DuckDBPyConnection, model: Model, threshold: float) -> Found:
    """For each record the person of the other file; who fits two of them about as well is given to neither."""
    _group(connection, model, "side = 'right'", threshold, "groups")
    connection.execute("""
    create or replace temp table crossing as
    select least(l.node, r.node) as node_l, greatest(l.node, r.node) as node_r, l.node as asked, r.node as listed
    from scored as s
    join all_records as l on l.node in (s.node_l, s.node_r) and l.side = 'left'
    join all_records as r on r.node in (s.node_l, s.node_r) and r.side = 'right'""")
    if connection.execute("select 1 from crossing limit 1").fetchone():
        _with_names(connection, model, "crossing", "named")
    else:
        connection.execute("create temp table named as select *, 0.0 as match_weight, 0 as names from crossing")
        for comparison in model.design.comparisons:
            connection.execute(f"alter table named add column gamma_{comparison.name} integer")
        connection.execute("alter table named add column match_probability double")
    connection.execute(f"""
    create or replace temp table candidates as
    with fits as (
        select c.asked, c.listed, g.cluster_id, s.match_weight, {_evidence_concat(model)} as evidence,
               row_number() over (partition by c.asked, g.cluster_id order by s.match_weight desc, c.listed) as place
        from crossing as c
        join named as s using (node_l, node_r)
        join groups as g on g.base = c.listed
        where s.names >= 0
    ),
    odds as (select *, pow(2.0, least(match_weight, 60)) as odds from fits where place = 1)
    select asked, listed, evidence, round(odds / (1 + sum(odds) over (partition by asked)), 4) as probability,
           row_number() over (partition by asked order by odds desc, listed) as place
    from odds""")
    result = connection.execute(f"""
        select case when b.probability >= {threshold} then br.shown end as best_match, b.probability,
               sr.shown as second_best, s.probability as second_probability,
               case when b.probability >= {threshold} then b.evidence end as evidence
        from left_records as l
        left join candidates as b on b.asked = l.node and b.place = 1
        left join right_records as br on br.node = b.listed
        left join candidates as s on s.asked = l.node and s.place = 2
        left join right_records as sr on sr.node = s.listed
        order by l.place""").to_arrow_table()
    pairs = connection.execute(f"""
        select l.shown as id_l, r.shown as id_r, c.probability, c.evidence
        from candidates as c join left_records as l on l.node = c.asked join right_records as r on r.node = c.listed
        where c.probability >= {threshold} order by l.place""").to_arrow_table()
    matched = len(result) - result["best_match"].null_count
    columns = {name: result[name].combine_chunks() for name in result.column_names}
    return Found(columns, pairs, f"{matched:,} matched")


def _evidence_concat(model: Model) -> str:
    return f"concat_ws('; ', {_evidence_sql(model)})"
