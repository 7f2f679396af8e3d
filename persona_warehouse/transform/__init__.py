"""Runs dbt in this process: one build per layer."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.files import read_json, write_json
from persona_warehouse.landing import store
from persona_warehouse.settings import Settings
from persona_warehouse.transform import dictionary, lineage
from persona_warehouse.transform.bands import check_bands
from persona_warehouse.warehouse import connect

DIGEST = "digest.txt"  # beside what was made of the project: the project it was made of
LINEAGE = "column_lineage.csv"
PARSED = "parsed.txt"  # likewise, beside the parsed project


@dataclass(frozen=True)
class NodeResult:
    """What dbt says of one node: `seconds` wall time, `rows_affected` as the engine reports it."""

    node: str
    resource_type: str
    status: str
    seconds: float
    rows_affected: int | None
    message: str | None


def build(settings: Settings, layer: str) -> list[NodeResult]:
    """Builds the models, seeds and tests tagged with a layer (`staging` or `marts`).

    Raises:
        ConfigError: bands of a seed overlap.
        PersonaError: a model or a test failed; names the first ones.
    """
    store.prepare(settings)
    check_bands(settings.dbt_project / "seeds")
    seeds = _digest(settings, settings.dbt_project / "seeds")
    # seeds change when somebody edits them: in most nights sixty tables and their tests would only be made again
    are_loaded = layer == "staging" and seeds == _loaded_seeds(settings)
    arguments = ["build", "--select", f"tag:{layer}", "--exclude", "resource_type:unit_test"]
    results = [
        _node(result)
        for result in (
            _on_spark(settings, layer, arguments, are_loaded)
            if settings.engine == "spark"
            else _invoke(settings, [*arguments, *(["path:seeds"] if are_loaded else [])])
        )
    ]
    write_json(_results_file(settings, layer), [vars(result) for result in results])
    failed = [result for result in results if result.status in ("error", "fail")]
    if failed:
        first = failed[0]
        raise PersonaError(
            f"dbt could not build the layer `{layer}`: {len(failed)} of {len(results)} nodes failed",
            object=first.node,
            expected="every model built and every test passed",
            found=(first.message or "").strip()[:600],
            remedy=f"see {settings.logs / 'dbt' / 'dbt.log'}",
        )
    if layer == "staging" and not are_loaded:
        _remember_seeds(settings, seeds)
    return results


def _on_spark(settings: Settings, layer: str, arguments: list[str], are_loaded: bool) -> list[Any]:
    """The same on Spark: seeds are loaded and tested here, the models there.

    Raises:
        ConfigError: what Spark needs is not installed.
    """
    here = replace(settings, engine="duckdb")
    seeds: list[Any] = []
    if layer == "staging" and not are_loaded:
        seeds = _invoke(here, ["build", "--select", "path:seeds"])
        if any(str(result.status) in ("error", "fail") for result in seeds):
            return seeds
    try:
        import pyspark  # noqa: F401

        from persona_warehouse.transform.spark.layers import on_spark
    except ImportError as error:
        raise ConfigError(
            "Spark is not installed",
            expected="pyspark and dbt-spark, for PERSONA_ENGINE=spark",
            found=str(error),
            remedy="pip install -r requirements-spark.txt, and a Java of 17 or newer",
        ) from error
    sources = _parsed(settings).sources.values()
    loads = next(
        one.meta["external_location"] for one in sources if (one.source_name, one.name) == ("landing", "loads")
    )
    with on_spark(settings, layer, loads):
        return [*seeds, *_invoke(settings, [*arguments, "path:seeds"])]


def _parsed(settings: Settings) -> Any:
    """dbt's parsed project. Parsing takes half a minute and depends on the project alone, yet dbt parses anew whenever
    a variable differs, as the night's date does every night: so it is parsed when its files change, and read else.

    Raises:
        PersonaError: the project does not parse.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder
    from dbt.version import installed

    target = _target(settings)
    mark, parsed = target / PARSED, target / "partial_parse.msgpack"
    made_of = f"{installed.to_version_string()} {settings.dbt_project} {_digest(settings, settings.dbt_project)}"
    if not (parsed.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == made_of):
        mark.unlink(missing_ok=True)
        _run_dbt(settings, ["parse"], None)
        mark.write_text(made_of, encoding="utf-8")
    manifest = Manifest.from_msgpack(parsed.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _digest(settings: Settings, folder: Path) -> str:
    """Of every file of a folder of the project, and of the project's settings."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in (*files, settings.dbt_project / "dbt_project.yml"):
        digest.update(file.relative_to(settings.dbt_project).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _loaded_seeds(settings: Settings) -> str | None:
    """The digest of the seeds that the warehouse holds; it lies within, so that it goes where the warehouse goes."""
    if not settings.warehouse_file.exists():
        return None
    with connect(settings.warehouse_file, read_only=True) as connection:
        if not connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'seeds' and table_name = 'loaded_seeds'"
        ).fetchall():
            return None
        return str(connection.execute("select digest from seeds.loaded_seeds").fetchall()[0][0])


def _remember_seeds(settings: Settings, digest: str) -> None:
    with connect(settings.warehouse_file) as connection:
        connection.execute("create schema if not exists seeds")
        connection.execute("create or replace table seeds.loaded_seeds as select ? as digest", [digest])


def unit_test(settings: Settings) -> list[NodeResult]:
    """Runs the models' unit tests, each on rows of its own; the warehouse must have been built, if only empty."""
    return [_node(result) for result in _invoke(settings, ["test", "--select", "test_type:unit"])]


def write_docs(settings: Settings, out: Path, former: Path | None = None) -> Path:
    """Writes dbt's documentation as one file, `out`/index.html, and beside it from where each column comes; those of
    `former` where the project is as it was."""
    # on Spark too: its tables are views of the warehouse file
    settings = replace(settings, engine="duckdb")
    out.mkdir(parents=True, exist_ok=True)
    made_of = f"{_digest(settings, settings.dbt_project)} {lineage.made_by()}"
    mark = former / DIGEST if former else None
    if former and mark and mark.is_file() and mark.read_text(encoding="utf-8") == made_of:
        for name in ("index.html", LINEAGE, DIGEST):
            _share(former / name, out / name)
        return out / "index.html"
    _invoke(settings, ["docs", "generate", "--static"])
    page = (_target(settings) / "static_index.html").read_text(encoding="utf-8")
    (out / "index.html").write_text(page, encoding="utf-8")
    with connect(settings.warehouse_file, read_only=True) as connection:
        columns = lineage.columns_of(connection)
    lineage.write_file(lineage.column_lineage(read_json(_target(settings) / "manifest.json"), columns), out / LINEAGE)
    (out / DIGEST).write_text(made_of, encoding="utf-8")
    return out / "index.html"


def _share(file: Path, out: Path) -> None:
    """One file under two names where the disk allows it, else a copy: seven megabytes a release that seldom change."""
    try:
        os.link(file, out)
    except OSError:
        shutil.copyfile(file, out)


def last_results(settings: Settings) -> list[dict[str, Any]]:
    """The node results of this night's layers, staging first."""
    paths = [_results_file(settings, layer) for layer in ("staging", "marts")]
    return [result for path in paths if path.exists() for result in read_json(path)]


def _results_file(settings: Settings, layer: str) -> Path:
    return settings.logs / "dbt" / f"results_{layer}.json"


def _target(settings: Settings) -> Path:
    return settings.home / "dbt_target" / ("spark" if settings.engine == "spark" else "")


def _invoke(settings: Settings, arguments: list[str]) -> list[Any]:
    return _run_dbt(settings, arguments, _parsed(settings))


def _run_dbt(settings: Settings, arguments: list[str], manifest: Any) -> list[Any]:
    os.environ.update(settings.environment())
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    folder = str(settings.dbt_project)
    # each statement stands in compiled/: telling it to the log too took a tenth of a build
    common = [
        "--project-dir", folder,
        "--profiles-dir", folder,
        "--target", settings.engine,
        "--target-path", str(_target(settings)),
        "--log-path", str(settings.logs / "dbt"),
        "--log-level-file", "info",
        "--vars", f"{{as_of_date: '{settings.business_date}', timezone: {settings.timezone}}}",
    ]  # fmt: skip
    settings.warehouse_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        outcome = dbtRunner(manifest=manifest).invoke(["--quiet", "--no-use-colors", *arguments, *common])
    finally:
        # the next step opens the file itself
        DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None:
        raise PersonaError(
            "dbt stopped",
            found=str(outcome.exception).strip()[:800],
            remedy=f"see {settings.logs / 'dbt' / 'dbt.log'}",
        ) from outcome.exception
    return list(getattr(outcome.result, "results", None) or [])


def _node(result: Any) -> NodeResult:
    affected = (result.adapter_response or {}).get("rows_affected")
    return NodeResult(
        node=result.node.name,
        resource_type=str(getattr(result.node.resource_type, "value", result.node.resource_type)),
        status=str(getattr(result.status, "value", result.status)),
        seconds=round(float(result.execution_time), 3),
        rows_affected=affected if isinstance(affected, int) and affected >= 0 else None,
        message=result.message,
    )


def described_tables(settings: Settings) -> dict[str, dictionary.Table]:
    """Schema.table -> what the project says of it, in Chinese and English; of the last build."""
    return dictionary.described_tables(settings.dbt_project, read_json(_target(settings) / "manifest.json"))


def describe_marts(settings: Settings) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What dbt's manifest says of the marts.

    Returns:
        mart -> the columns that it is ordered by (those it is looked up by, else those of its grain), and
        mart -> {column: description} with the table's own under "".
    """
    nodes = read_json(_target(settings) / "manifest.json")["nodes"].values()
    marts = [node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"]
    metas = {node["alias"]: node["config"]["meta"] for node in marts}
    order = {mart: str(meta.get("order_by") or meta.get("grain", "")) for mart, meta in metas.items()}
    comments = {
        node["alias"]: {"": node["description"]} | {n: c["description"] for n, c in node["columns"].items()}
        for node in marts
    }
    return order, comments
