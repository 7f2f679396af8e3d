"""The models compute what their rules say, and everything about them is written down."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from persona_warehouse import transform
from persona_warehouse.keyed_hash import give_key, keyed_hash
from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.settings import PROJECT_ROOT, Settings
from persona_warehouse.transform import NodeResult
from persona_warehouse.user_agents import classify
from persona_warehouse.warehouse import connect
from tests.made_once import environment_kept

# (schema, table) -> its columns
Columns = dict[tuple[str, str], list[str]]
# what staging keeps beside the contract's columns
PROVENANCE = ["properties", "load_id", "source_file", "source_row"]
GRAIN = re.compile(r"\. One row per [^.]+\.$")
# DuckDB's own words: they stand in macros/engine, where another engine's stand beside them
DIALECT = [
    r"::", r"->", r"\bexclude\b", r"\bqualify\b", r"\bilike\b", r"\bgroup by all\b", r"\bunion all by name\b",
    r"\binterval\b", r"\bhugeint\b", r"\btimestamptz\b", r"\btimestamp with time zone\b", r"\btimezone\s*\(",
    r"\bregexp_\w+", r"\bjson_(?!text\b)\w+", r"\b(?:from|to)_json\b", r"\blist(?:_\w+)?\(", r"\bstruct_\w+",
    r"\bunnest\b", r"\bgetvariable\b", r"\bsha256\b", r"\bmd5\b", r"\bencode\b", r"\bunhex\b", r"\btry_cast\b",
    r"\bstr[fp]time\b", r"\bdate_?diff\s*\(\s*'", r"\bdate_?sub\b", r"\bepoch\w*\b", r"\bstring_agg\b",
    r"\barg_m(?:ax|in)\b", r"\bany_value\b", r"\bread_\w+\s*\(", r"\bfilter\s*\(",
]  # fmt: skip


CLASSIFICATIONS = {"public", "internal", "personal", "sensitive"}


def _classification(table: dict[str, Any], column: dict[str, Any]) -> str | None:
    """A column's own, else that of its whole table."""
    places = (column.get("meta"), table.get("config", {}).get("meta"), table.get("meta"), table.get("source_meta"))
    return next((meta["classification"] for meta in places if meta and "classification" in meta), None)


def without_comments(sql: str) -> str:
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", sql, flags=re.DOTALL)


def landing_objects() -> dict[str, Any]:
    """staging model -> contract of its object."""
    return {f"stg_{stream}__{name}": spec for stream in STREAMS for name, spec in objects(stream).items()}


@pytest.fixture(scope="session")
def columns(empty_world: Settings) -> Columns:
    """The columns of every table of the warehouse, in order."""
    with connect(empty_world.warehouse_file, read_only=True) as connection:
        rows = connection.execute(
            """select table_schema, table_name, list(column_name order by ordinal_position)
               from information_schema.columns group by all"""
        ).fetchall()
    return {(schema, table): names for schema, table, names in rows}


class TestRules:
    def test_every_unit_test_ran_and_passed(self, unit_results: list[NodeResult], project: Any) -> None:
        written = {test["name"] for test in project.manifest["unit_tests"].values()}
        assert {result.node for result in unit_results} == written
        assert len(written) > 0
        failed = [f"{result.node}: {result.message}" for result in unit_results if result.status != "pass"]
        assert not failed, "\n\n".join(failed)

    def test_every_mart_and_every_step_towards_it_has_unit_tests(self, project: Any) -> None:
        tested = {test["model"] for test in project.manifest["unit_tests"].values()}
        computing = project.marts | project.nodes("model", "intermediate")
        # python models are tested in Python; a calendar reads nothing
        untested = [
            name
            for name, node in computing.items()
            if name not in tested and node["language"] == "sql" and node["depends_on"]["nodes"]
        ]
        assert computing
        assert untested == []

    def test_machines_are_told_from_browsers_by_their_user_agent(self) -> None:
        browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
        machines = {"Mozilla/5.0 (compatible; Baiduspider/2.0)": "Baiduspider", "curl/8.5.0": "curl"}
        found = classify([browser, *machines]).to_pylist()
        assert found[0] == {"user_agent": browser, "is_bot": False, "bot_name": None}
        assert [agent["is_bot"] for agent in found[1:]] == [True, True]
        assert all(name in agent["bot_name"] for agent, name in zip(found[1:], machines.values(), strict=True))

    def test_the_hash_in_sql_is_the_hash_in_python(
        self, world_copy: duckdb.DuckDBPyConnection, empty_world: Settings
    ) -> None:
        world_copy.execute("insert into identity.visitors values ('browser 一', 'c_1', null)")
        world_copy.execute("insert into staging.stg_website__events (anonymous_id) values ('browser 一')")
        give_key(world_copy, empty_world)
        hashed = world_copy.execute(_compiled(empty_world, "marts/people/contact_identities.sql")).fetchall()
        assert [row[0] for row in hashed] == [keyed_hash(empty_world, "website|visitors|browser 一")]
        assert [row[3] for row in hashed] == [keyed_hash(empty_world, "browser 一")]


class TestDescriptions:
    def test_every_table_says_what_it_holds_and_ends_with_its_grain(self, project: Any) -> None:
        tables = [*project.nodes("model").values(), *project.nodes("seed").values()]
        tables += project.manifest["sources"].values()
        assert tables
        assert [table["name"] for table in tables if not GRAIN.search(table["description"].strip())] == []

    def test_the_columns_of_the_warehouse_are_those_described(self, project: Any, columns: Columns) -> None:
        for node in [*project.nodes("model").values(), *project.nodes("seed").values()]:
            described = {name for name, column in node["columns"].items() if column["description"].strip()}
            assert described == set(columns[node["schema"], node["alias"]]), node["name"]

    def test_every_text_is_used_and_every_used_text_is_there(self, project: Any) -> None:
        texts = {block["name"] for block in project.manifest["docs"].values() if not block["name"].startswith("__")}
        used = {
            name
            for path in _project_files("*.yml")
            for name in re.findall(r"doc\('(\w+)'\)", path.read_text(encoding="utf-8"))
        }
        assert texts == used


class TestClassification:
    def test_every_column_of_every_table_is_classified(self, project: Any) -> None:
        tables = [*project.nodes("model").values(), *project.nodes("seed").values()]
        tables += project.manifest["sources"].values()
        found = {
            (table["resource_type"], _classification(table, column))
            for table in tables
            for column in table["columns"].values() or ({},)
        }
        kinds = {"model": CLASSIFICATIONS, "seed": {"internal"}, "source": {"internal", "personal"}}
        wrong = [(kind, classification) for kind, classification in found if classification not in kinds[kind]]
        assert wrong == []
        assert {("model", "sensitive"), ("model", "personal"), ("seed", "internal")} <= found

    def test_what_tells_who_somebody_is_is_never_called_internal(self, project: Any) -> None:
        clear = re.compile(r"(.*_)?(email|phone|mobile|full_name|openid|unionid|ip_address|raw_row|remark|comment)")
        told = {
            f"{table['name']}.{name}": _classification(table, column)
            for table in project.nodes("model").values()
            for name, column in table["columns"].items()
            # `has_email` is of the person, and does not tell the address
            if clear.fullmatch(name) and not name.startswith("has_")
        }
        assert len(told) > 30
        assert {name: word for name, word in told.items() if word not in ("personal", "sensitive")} == {}

    def test_no_mart_holds_what_was_said_in_confidence(self, project: Any) -> None:
        kinds = {
            _classification(mart, column) for mart in project.marts.values() for column in mart["columns"].values()
        }
        assert "sensitive" not in kinds


class TestMarts:
    def test_every_mart_keeps_a_contract(self, project: Any, columns: Columns) -> None:
        assert project.marts
        for name, node in project.marts.items():
            assert node["config"]["contract"]["enforced"], name
            assert [column["name"] for column in node["columns"].values() if not column["data_type"]] == [], name
            assert list(node["columns"]) == columns["marts", name], name

    def test_every_column_of_a_mart_is_classified(self, project: Any) -> None:
        for name, node in project.marts.items():
            for column in node["columns"].values():
                classification = column["meta"].get("classification")
                assert classification in ("public", "internal", "personal"), f"{name}.{column['name']}"

    def test_the_grain_of_every_mart_is_unique_and_never_empty(self, project: Any) -> None:
        for name, node in project.marts.items():
            grain = [column.strip() for column in node["config"]["meta"]["grain"].split(",")]
            unique = [[test["column_name"]] for test in project.tests_of(node, "unique")]
            unique += [test["test_metadata"]["kwargs"]["columns"] for test in project.tests_of(node, "unique_together")]
            assert grain in unique, name
            order = node["config"]["meta"].get("order_by", "")
            assert {column.strip() for column in order.split(",") if column} <= set(node["columns"]), name
            for column in grain:
                kinds = [constraint["type"] for constraint in node["columns"][column]["constraints"]]
                assert "not_null" in kinds, f"{name}.{column}"

    def test_every_mart_tells_its_steps_in_order(self, project: Any) -> None:
        for name, node in project.marts.items():
            steps = node["config"]["meta"]["transformation_steps"]
            assert [step.split(".")[0] for step in steps] == [str(n + 1) for n in range(len(steps))], name
            assert steps, name

    def test_every_mart_has_a_dashboard_and_the_report_as_readers(self, project: Any) -> None:
        readers: dict[str, set[str]] = {}
        for exposure in project.manifest["exposures"].values():
            for read in exposure["depends_on"]["nodes"]:
                readers.setdefault(read.split(".")[-1], set()).add(exposure["type"])
        assert {name: readers.get(name) for name in project.marts} == {
            name: {"dashboard", "application"} for name in project.marts
        }


class TestStaging:
    def test_staging_has_the_columns_of_the_contract(self, columns: Columns) -> None:
        for model, spec in landing_objects().items():
            assert sorted(columns["staging", model]) == sorted([*spec.columns, *PROVENANCE]), model
        staged = {table for schema, table in columns if schema == "staging"}
        assert staged == set(landing_objects())

    def test_staging_classifies_as_the_contract_does(self, project: Any) -> None:
        staging = project.nodes("model", "staging")
        for model, spec in landing_objects().items():
            said = {name: column["meta"]["classification"] for name, column in staging[model]["columns"].items()}
            assert {name: said[name] for name in spec.columns} == {
                name: column.classification for name, column in spec.columns.items()
            }, model

    def test_the_key_of_the_contract_is_the_key_of_staging(self, project: Any) -> None:
        staging = project.nodes("model", "staging")
        for model, spec in landing_objects().items():
            key = staging[model]["config"]["unique_key"]
            assert (key if isinstance(key, list) else [key]) == list(spec.key), model
            unique = [[test["column_name"]] for test in project.tests_of(staging[model], "unique")]
            unique += [
                test["test_metadata"]["kwargs"]["columns"]
                for test in project.tests_of(staging[model], "unique_together")
            ]
            assert list(spec.key) in unique, model

    def test_every_object_has_its_quarantine(self, project: Any) -> None:
        kept = {node["name"] for node in project.nodes("model", "quarantine").values()}
        assert kept == {name.replace("stg_", "quarantine_") for name in landing_objects()}


class TestLoads:
    def test_a_key_that_is_not_known_in_full_is_replaced_like_any_other(
        self, world_home: Settings, land: Callable[..., None]
    ) -> None:
        key = {"spend_date": date(2026, 3, 1), "channel": "baidu"}
        land(
            "crm", "ad_spend", "100.1", [key | {"campaign": None, "cost": 10}, key | {"campaign": "brand", "cost": 20}]
        )
        _run(world_home, "stg_crm__ad_spend")
        land("crm", "ad_spend", "200.1", [key | {"campaign": None, "cost": 30}, key | {"campaign": "new", "cost": 40}])
        _run(world_home, "stg_crm__ad_spend")
        _run(world_home, "stg_crm__ad_spend")
        with connect(world_home.warehouse_file, read_only=True) as connection:
            found = connection.execute(
                "select campaign, cast(cost as integer), load_id from staging.stg_crm__ad_spend order by campaign"
            ).fetchall()
        assert found == [("brand", 20, "100.1"), ("new", 40, "200.1"), (None, 30, "200.1")]


class TestCoverage:
    def test_coverage_lists_exactly_the_columns_of_the_contract(self, empty_world: Settings) -> None:
        with connect(empty_world.warehouse_file, read_only=True) as connection:
            listed = connection.execute("select stream, object, column_name from marts.coverage").fetchall()
        contract = [
            (stream, name, column)
            for stream in STREAMS
            for name, spec in objects(stream).items()
            for column in spec.columns
        ]
        assert sorted(listed) == sorted(contract)

    def test_nothing_loaded_is_no_share_at_all(self, empty_world: Settings) -> None:
        with connect(empty_world.warehouse_file, read_only=True) as connection:
            counts = connection.execute("select distinct row_count, filled_count, filled_share from marts.coverage")
            assert counts.fetchall() == [(0, 0, None)]

    def test_coverage_counts_the_rows_and_the_filled_ones_of_each_column(
        self, world_copy: duckdb.DuckDBPyConnection, empty_world: Settings
    ) -> None:
        world_copy.execute("insert into staging.stg_crm__products (product_id, name) values ('1', 'Pump'), ('2', null)")
        coverage = _compiled(empty_world, "marts/operations/coverage.sql")
        counted = world_copy.execute(
            f"""select column_name, row_count, filled_count, filled_share from ({coverage})
                where object = 'products' and column_name in ('product_id', 'name', 'family') order by all"""
        ).fetchall()
        assert counted == [("family", 2, 0, 0.0), ("name", 2, 1, 0.5), ("product_id", 2, 2, 1.0)]


class TestPortability:
    def test_the_engine_s_dialect_stands_only_in_macros_engine(self) -> None:
        files = [path for path in _project_files("*.sql") if "engine" not in path.parts]
        assert files
        found = [
            f"{path.name}: {match.group(0)}"
            for path in files
            for pattern in DIALECT
            for match in re.finditer(pattern, without_comments(path.read_text(encoding="utf-8")), flags=re.IGNORECASE)
        ]
        assert found == []

    def test_a_macro_file_holds_the_macro_that_it_is_named_after(self) -> None:
        files = [path for path in _project_files("*.sql") if "macros" in path.parts]
        assert files
        for path in files:
            names = set(re.findall(r"\{%-? macro (\w+)\(", path.read_text(encoding="utf-8")))
            assert {re.sub(r"^(default|spark)__", "", name) for name in names} == {path.stem}


def _run(settings: Settings, model: str) -> None:
    """Builds one model, as the night does with all of them."""
    with environment_kept():
        results = transform._invoke(settings, ["run", "--select", model])
    assert [str(result.status) for result in results] == ["success"]


def _compiled(settings: Settings, model: str) -> str:
    """The SQL that dbt ran for a model."""
    return (settings.home / "dbt_target/compiled/persona_warehouse/models" / model).read_text(encoding="utf-8")


def _project_files(pattern: str) -> list[Path]:
    """Files of the models' and macros' folders."""
    root = PROJECT_ROOT / "dbt_project"
    return sorted(path for folder in ("models", "macros") for path in (root / folder).rglob(pattern))
