"""What is recorded of companies is read once, and again when a dictionary changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from persona_warehouse.identity import facts, normalise
from persona_warehouse.warehouse import scratch


@pytest.fixture
def staging() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as connection:
        connection.execute("""
        create schema staging;
        create table staging.stg_crm__companies (name text, industry text, province text, city text, address text,
            properties text);
        create table staging.stg_crm__leads (company_name text);
        create table staging.stg_crm__company_enrichment (company_name text, attribute text, value text);
        create table staging.stg_crm__deals (competitor text);
        create table staging.stg_crm__interview_answers (question_code text, answer_code text);
        create schema identity;
        create table identity.credit_codes (raw text, uscc text);
        insert into staging.stg_crm__companies values
            ('深圳星河软件有限公司', 'IT', '广东', '深圳', '南山区科技路1号',
             '{"员工规模": "100-400人", "备注": "3人"}');
        insert into staging.stg_crm__leads values ('海川物流');
        insert into staging.stg_crm__company_enrichment values
            ('Acme Inc', 'Annual Revenue', '1.2亿'), (null, '所属行业', '汽配'), (null, '总部', '杭州'),
            (null, 'legal-name', '海川食品有限公司'), (null, 'culture', '3');
        insert into staging.stg_crm__deals values ('云达');
        insert into staging.stg_crm__interview_answers values ('Q02', '零售'), ('Q04', 'below_100'), ('Q13', '5');
        insert into identity.credit_codes values ('x', '91330108MA5F000000'), ('y', '91310225000000000A');
        """)
        yield connection


def table(connection: duckdb.DuckDBPyConnection, name: str, columns: str) -> list[tuple[object, ...]]:
    return connection.execute(f"select {columns} from identity.{name} order by raw").fetchall()


def test_texts_of_all_sources_are_read_by_the_attribute_they_stand_for(staging: duckdb.DuckDBPyConnection) -> None:
    normalise.update_dictionaries(staging, facts.DICTIONARIES)
    assert table(staging, "company_names", "raw, place, brand, trade, legal_form") == [
        ("Acme Inc", None, "acme", None, "inc"),
        ("云达", None, "云达", None, None),
        ("海川物流", None, "海川", "物流", None),
        ("海川食品有限公司", None, "海川", "食品", "有限公司"),
        ("深圳星河软件有限公司", "深圳", "星河", "软件", "有限公司"),
    ]
    assert table(staging, "trades", "raw, industry_code") == [("物流", "G"), ("软件", "I65"), ("食品", "C14")]
    assert table(staging, "industries", "raw, industry_code") == [("IT", "I"), ("汽配", "C36"), ("零售", "F52")]
    assert table(staging, "quantities", "raw, number, is_exact") == [
        ("1.2亿", 120_000_000.0, True),
        ("100-400人", 200.0, False),
        ("below_100", 50.0, False),
    ]
    assert table(staging, "locations", "raw, province, city, district, district_code") == [
        ("310225", "上海市", "上海市", None, None),  # a county that is no more
        ("330108", "浙江省", "杭州市", "滨江区", "330108"),
        ("广东 深圳", "广东省", "深圳市", None, None),
        ("广东 深圳 南山区科技路1号", "广东省", "深圳市", "南山区", "440305"),
        ("杭州", "浙江省", "杭州市", None, None),
        ("深圳", "广东省", "深圳市", None, None),
    ]


def test_a_changed_seed_is_read_anew_and_an_unchanged_one_is_not(
    staging: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def read(raw: str) -> tuple[object, ...]:
        asked.append(raw)
        return (len(asked),)

    monkeypatch.setattr(normalise, "SEEDS", tmp_path)
    (tmp_path / "words.csv").write_text("term\na\n", encoding="utf-8")
    words = normalise.Dictionary(
        "words", {"reading": "bigint"}, "select company_name as raw from staging.stg_crm__leads", read, seeds=("words",)
    )
    normalise.update_dictionaries(staging, [words])
    normalise.update_dictionaries(staging, [words])
    assert asked == ["海川物流"]
    (tmp_path / "words.csv").write_text("term\na\nb\n", encoding="utf-8")
    normalise.update_dictionaries(staging, [words])
    assert asked == ["海川物流", "海川物流"]
    assert table(staging, "words", "raw, reading") == [("海川物流", 2)]


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("440305", ("440000", "440300", "440305")),
        ("440399", ("440000", "440300", None)),
        ("440000", ("440000", None, None)),
    ],
)
def test_a_division_that_is_gone_lies_in_the_one_above(code: str, known: tuple[str | None, ...]) -> None:
    found = facts.place_of(code)
    assert found is not None
    assert (found[0], found[2], found[4]) == known


def test_a_code_of_nowhere_is_no_place() -> None:
    assert facts.place_of("990000") is None
    assert facts.place_of("nowhere") is None
