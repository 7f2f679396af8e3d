"""The texts of the data dictionary: none is missing in either language, none is left over, and both say the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from persona_warehouse.settings import PROJECT_ROOT
from persona_warehouse.transform.dictionary import Table, described_tables

PROJECT = PROJECT_ROOT / "dbt_project"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def words(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((PROJECT / "dictionary" / name).read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def tables(project: Any) -> dict[str, Table]:
    return described_tables(PROJECT, project.manifest)


def test_every_published_column_has_a_chinese_text_and_none_is_left_over(project: Any) -> None:
    blocks = {
        block.rpartition(".")[2]
        for mart in project.marts.values()
        for column in mart["columns"].values()
        for block in column["doc_blocks"]
    }
    assert set(words("columns.zh-CN.yml")) == blocks
    assert list(words("columns.zh-CN.yml")) == sorted(blocks)


def test_every_mart_has_a_chinese_text_that_ends_with_its_grain(project: Any) -> None:
    texts = words("tables.zh-CN.yml")
    assert list(texts) == sorted(project.marts)
    assert [name for name, text in texts.items() if not re.search(r"。(每行|第 0 行)为[^。]+。$", text)] == []


def test_the_texts_are_of_the_language_that_they_are_for(tables: dict[str, Table]) -> None:
    for name, table in tables.items():
        for each in (table, *table["columns"].values()):
            assert CHINESE.search(each["texts"]["zh"]), name
            assert each["texts"]["zh"].endswith("。"), (name, each["texts"]["zh"])
            # the house's English may name a word of WeChat's
            assert not CHINESE.search(re.sub(r"\([^)]*\)", "", each["texts"]["en"])), name


def test_both_languages_of_a_text_name_the_same_seeds_and_columns(tables: dict[str, Table]) -> None:
    # what is written with an underscore is a name of the project
    name = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b", re.ASCII)
    lost = {
        f"{table}.{column}": set(name.findall(told["texts"]["en"])) - set(name.findall(told["texts"]["zh"]))
        for table, found in tables.items()
        for column, told in found["columns"].items()
    }
    assert {column: names for column, names in lost.items() if names} == {}


def test_the_dictionary_knows_what_the_yaml_says(tables: dict[str, Table]) -> None:
    accounts = tables["marts.accounts"]
    assert accounts["area"] == "people"
    assert accounts["grain"] == "account_id"
    assert accounts["columns"]["account_id"]["is_unique"]
    assert accounts["columns"]["account_id"]["is_required"]
    assert accounts["columns"]["tier"]["values"] == ["S", "A", "B"]
    assert accounts["columns"]["parent_account_id"]["refers_to"] == ("accounts", "account_id")
    assert ("bi_accounts", "dashboard", "BI analysts") in accounts["readers"]
    assert "assert_the_points_of_the_ledger_are_the_score_of_the_account" in accounts["facts"]
    assert accounts["rules"]
    assert tables["marts.contacts"]["columns"]["masked_name"]["classification"] == "personal"
    assert tables["marts.account_traits"]["together"] == [["account_id", "trait"]]
