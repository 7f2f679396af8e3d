"""What the project says of every published table, in Chinese and English: the content of the data dictionary.

English stands in the models' YAML and columns.md, from where dbt's manifest has it; Chinese in `dictionary/` of the
project, by the same names. What has no Chinese yet stands there in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import yaml

Texts = dict[str, str]  # language code -> text
Nodes = Mapping[str, Mapping[str, Any]]


class Column(TypedDict):
    """`values`: all that may stand there, where that is tested; `refers_to`: table and column that it must be in."""

    texts: Texts
    classification: str | None
    is_unique: bool
    is_required: bool
    values: list[str]
    refers_to: tuple[str, str] | None


class Table(TypedDict):
    """`area`: the folder of the model; `together`: columns that are unique together; `facts`: tests of whole tables;
    `rules`: unit tests; `readers`: exposures as (name, type, owner)."""

    area: str
    texts: Texts
    grain: str
    order_by: str
    columns: dict[str, Column]
    together: list[list[str]]
    facts: list[str]
    rules: list[str]
    readers: list[tuple[str, str, str]]


def described_tables(project: Path, manifest: Mapping[str, Any]) -> dict[str, Table]:
    """Schema.table -> what is said of it: the marts of dbt's manifest, then the tables of `quality`."""
    words = {name: _read(project / "dictionary" / name) for name in ("columns.zh-CN.yml", "tables.zh-CN.yml")}
    chinese, chinese_tables = words["columns.zh-CN.yml"], words["tables.zh-CN.yml"]
    nodes: Nodes = manifest["nodes"]
    marts = [node for node in nodes.values() if node["resource_type"] == "model" and node["schema"] == "marts"]
    tests = [node for node in nodes.values() if node["resource_type"] == "test"]
    found = {
        f"marts.{mart['alias']}": _mart(
            mart,
            [test for test in tests if mart["unique_id"] in test["depends_on"]["nodes"]],
            chinese,
            chinese_tables.get(mart["alias"]),
            manifest,
        )
        for mart in sorted(marts, key=lambda each: str(each["alias"]))
    }
    return found | {f"quality.{name}": _quality(told) for name, told in _read_quality(project).items()}


def _mart(
    mart: Mapping[str, Any],
    tests: Iterable[Mapping[str, Any]],
    chinese: Mapping[str, str],
    chinese_text: str | None,
    manifest: Mapping[str, Any],
) -> Table:
    meta = mart["config"]["meta"]
    columns = {name: _column(column, chinese) for name, column in mart["columns"].items()}
    together, facts = [], []
    for test in tests:
        kind = (test.get("test_metadata") or {}).get("name")
        if kind is None:
            facts.append(str(test["name"]))
        elif test["attached_node"] == mart["unique_id"]:
            given = test["test_metadata"]["kwargs"]
            if kind == "unique_together":
                together.append(list(given["columns"]))
            else:
                _add_test(columns[test["column_name"]], kind, given)
    readers = [
        (str(each["name"]), str(each["type"]), str(each["owner"]["name"]))
        for each in manifest["exposures"].values()
        if mart["unique_id"] in each["depends_on"]["nodes"]
    ]
    return {
        "area": str(mart["fqn"][-2]),
        "texts": {"zh": chinese_text or mart["description"], "en": mart["description"]},
        "grain": str(meta.get("grain", "")),
        "order_by": str(meta.get("order_by") or meta.get("grain", "")),
        "columns": columns,
        "together": together,
        "facts": sorted(facts),
        "rules": sorted(str(each["name"]) for each in manifest["unit_tests"].values() if each["model"] == mart["name"]),
        "readers": sorted(readers),
    }


def _column(column: Mapping[str, Any], chinese: Mapping[str, str]) -> Column:
    blocks = [str(block).rpartition(".")[2] for block in column["doc_blocks"]]
    text = str(column["description"])
    return {
        "texts": {"zh": next((chinese[block] for block in blocks if block in chinese), text), "en": text},
        "classification": column["meta"].get("classification"),
        "is_unique": False,
        "is_required": any(each["type"] == "not_null" for each in column["constraints"]),
        "values": [],
        "refers_to": None,
    }


def _add_test(column: Column, kind: str, given: Mapping[str, Any]) -> None:
    if kind == "unique":
        column["is_unique"] = True
    elif kind == "not_null":
        column["is_required"] = True
    elif kind == "accepted_values":
        column["values"] = [str(value) for value in given["values"]]
    elif kind == "relationships":
        named = re.search(r"'(\w+)'\s*\)", str(given["to"]))
        column["refers_to"] = (named[1] if named else str(given["to"]), str(given["field"]))


def _quality(told: Mapping[str, Any]) -> Table:
    return {
        "area": "quality",
        "texts": {"zh": told["zh"], "en": told["en"]},
        "grain": "",
        "order_by": "",
        "columns": {
            name: {
                "texts": dict(texts),
                "classification": "internal",
                "is_unique": False,
                "is_required": False,
                "values": [],
                "refers_to": None,
            }
            for name, texts in told["columns"].items()
        },
        "together": [],
        "facts": [],
        "rules": [],
        "readers": [],
    }


def _read(file: Path) -> dict[str, str]:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def _read_quality(project: Path) -> dict[str, Mapping[str, Any]]:
    return dict(yaml.safe_load((project / "dictionary" / "quality.yml").read_text(encoding="utf-8")))
