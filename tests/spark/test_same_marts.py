"""A night whose models ran on a Spark cluster publishes what a night on DuckDB publishes, row by row."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from persona_warehouse.warehouse import identifier, literal
from tests.conftest import manifest, persona

pytest.importorskip("pyspark", reason="requirements-spark.txt is not installed (make spark)")
if not shutil.which("java"):
    pytest.skip("no Java: Spark does not run", allow_module_level=True)

from tests.spark.cluster import cluster

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(3000)]
HERE, THERE = "here", "there"


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two homes with the same first night; the second night of one ran on DuckDB, that of the other on Spark."""
    folder = tmp_path_factory.mktemp("engines")
    here, there = folder / "duckdb", folder / "spark"
    assert persona("simulate", "--out", here / "sample", "--companies", "60", "--seed", "5", home=here).code == 0
    night = ("nightly", "--sources", here / "sample" / "sources.yml", "--date", "2026-10-31")
    assert persona(*night, home=here).code == 0
    shutil.copytree(here, there, symlinks=True)
    assert persona(*night, home=here).code == 0
    with cluster(folder / "cluster") as settings:
        answer = persona(*night, home=there, PERSONA_ENGINE="spark", SPARK_CONF_DIR=str(settings), timeout=2600)
    assert answer.code == 0, answer.out[-3000:] + answer.err[-3000:]
    return here, there


@pytest.fixture(scope="module")
def both(homes: tuple[Path, Path]) -> duckdb.DuckDBPyConnection:
    """A connection with both releases attached."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for name, home in zip((HERE, THERE), homes, strict=True):
        file = home / "current" / "persona_marts.duckdb"
        connection.execute(f"attach {literal(file)} as {name} (read_only)")
    return connection


def test_every_mart_is_the_same(homes: tuple[Path, Path], both: duckdb.DuckDBPyConnection) -> None:
    marts = [name.removeprefix("marts.") for name in manifest(homes[0])["tables"] if name.startswith("marts.")]
    assert len(marts) > 40
    different = {mart: said for mart in marts if (said := _difference(both, mart))}
    assert different == {}
    # a comparison of nothing with nothing would find no difference
    assert sum(both.table(f"{HERE}.marts.{identifier(mart)}").count("*").fetchall()[0][0] for mart in marts) > 50_000


def test_the_models_ran_on_the_cluster(homes: tuple[Path, Path]) -> None:
    warehouse = homes[1] / "warehouse" / "persona.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        views = connection.execute(
            """select count(*) from duckdb_views()
               where schema_name in ('staging', 'marts') and sql like '%read_parquet%'"""
        ).fetchall()[0][0]
    assert views > 70
    workers = [log.read_text(encoding="utf-8") for log in (homes[1].parent / "cluster").glob("worker*.log")]
    assert all("Launching executor" in log or "Asked to launch executor" in log for log in workers)


def _difference(both: duckdb.DuckDBPyConnection, mart: str) -> str | None:
    """What differs between the two: types, rows, values; floats may be a billionth apart."""
    place = f"marts.{identifier(mart)}"
    columns = both.table(f"{HERE}.{place}")
    floats = {n for n, kind in zip(columns.columns, columns.types, strict=True) if str(kind) in ("DOUBLE", "FLOAT")}
    # as sorted by what is exact, then by what is not, which a billionth does not reorder but among equals
    order = ", ".join(map(identifier, [n for n in columns.columns if n not in floats] + sorted(floats)))
    one, other = (
        both.execute(f"select * from {name}.{place} order by {order}").to_arrow_table() for name in (HERE, THERE)
    )
    if one.schema != other.schema:
        return f"{one.schema} / {other.schema}"
    if one.num_rows != other.num_rows:
        return f"{one.num_rows} rows / {other.num_rows} rows"
    for name in one.column_names:
        left, right = one[name].combine_chunks(), other[name].combine_chunks()
        if not (_close(left, right) if name in floats else left.equals(right)):
            at = next(row for row, (a, b) in enumerate(zip(left.to_pylist(), right.to_pylist(), strict=True)) if a != b)
            return f"{name}, row {at}: {left[at].as_py()!r} / {right[at].as_py()!r}"
    return None


def _close(left: pa.Array, right: pa.Array) -> bool:
    if not left.is_null().equals(right.is_null()):
        return False
    apart = pc.abs(pc.subtract(left, right))
    bound = pc.multiply(pc.max_element_wise(1.0, pc.abs(left)), 1e-9)
    return pc.all(pc.less_equal(apart, bound)).as_py() in (True, None)
