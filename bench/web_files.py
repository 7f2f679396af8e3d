"""Web files of every format into landing, next to DuckDB's own read of them into Parquet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import home, samples
from bench.stage import Stage
from persona_warehouse.sources.access_log import FIELDS, LINE
from persona_warehouse.sources.snowplow import COLUMNS
from persona_warehouse.warehouse import literal, scratch

BAR = "0.50 of DuckDB's rate"
EXTRA: dict[str, dict[str, str]] = {
    "access.log": {"site": "https://www.example.com"},
    "access.json": {"format": "json", "site": "https://www.example.com"},
}


def stages(folder: Path, rows: int) -> Iterator[Stage]:
    """A stage for each format, and one of a single event: what every load costs, whatever its size."""
    data, one = folder / f"web-{rows}", folder / "web-1"
    samples.write(data, rows)
    samples.write(one, 1)
    for name, (connector, *_) in samples.FORMATS.items():
        ours = {"file": str(data / name), "connector": connector}
        yield Stage(f"web file: {name}", (land, ours), (read, {"file": str(data / name)}), BAR)
    yield Stage("web file: one event", (land, {"file": str(one / "events.jsonl.gz"), "connector": "events"}))


def land(file: str, connector: str) -> dict[str, Any]:
    """A load of one file."""
    return home.land("website", {"connector": connector, "path": file, **EXTRA.get(Path(file).name, {})})


def read(file: str) -> dict[str, Any]:
    """DuckDB reads the file as it would by itself and writes Parquet: nothing is typed, hashed or checked for us."""
    path = Path(file)
    with tempfile.TemporaryDirectory(prefix="bench") as folder, scratch() as connection:
        target = Path(folder) / "read.parquet"
        (rows,) = connection.execute(f"copy ({_bare_query(path)}) to {literal(target)} (format parquet)").fetchall()[0]
        return {"rows": rows, "bytes": target.stat().st_size}


def _bare_query(path: Path) -> str:
    file = literal(path)
    if path.name == "access.log":
        fields = ", ".join(map(literal, FIELDS))
        found = f"unnest(regexp_extract(line, {literal(LINE)}, [{fields}]))"
        plain = "delim = '\x01', quote = '', escape = '', header = false, columns = {'line': 'VARCHAR'}"
        return f"select {found} from read_csv({file}, {plain})"
    if "tsv" in path.name:
        names = ", ".join(map(literal, COLUMNS))
        return f"select * from read_csv({file}, delim = '\t', quote = '', header = false, names = [{names}])"
    reader = {".csv": "read_csv", ".parquet": "read_parquet"}.get(path.suffix, "read_json")
    return f"select * from {reader}({file})"
