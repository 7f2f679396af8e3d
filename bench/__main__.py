"""`python -m bench`: measures, prints a table and keeps the figures under bench/history/."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.stage import ROOT, Figures, Result, measure

# each is a module with `stages(folder, rows)`: a folder for data that is made once, the number of rows of bulk data
BENCHMARKS = ("web_files", "sql", "apis", "receiver", "night", "growth", "bi")
PACKAGES = ("duckdb", "pyarrow", "dlt", "dbt-core", "dbt-duckdb", "splink", "adbc-driver-postgresql")
UNITS = {"k": 1_000, "m": 1_000_000}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="benchmark", help=f"of {', '.join(BENCHMARKS)}; all when none is named"
    )
    parser.add_argument("--scale", type=_scale, default="1m", help="rows of bulk data: 100k, 1m (default), 10m")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each stage, the quickest counts (default 3)")
    parser.add_argument("--only", default="", help="stages whose name this regular expression finds")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "bench", help="where data are kept for the next time"
    )
    parser.add_argument("--no-history", action="store_true", help="write no file under bench/history/")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    console = Console(width=max(Console().width, 110))
    results: list[Result] = []
    for name in arguments.names or BENCHMARKS:
        for stage in importlib.import_module(f"bench.{name}").stages(arguments.folder, arguments.scale):
            if re.search(arguments.only, stage.name):
                with console.status(stage.name):
                    results.append(measure(stage, arguments.repeat))
                console.print(_line(results[-1]), highlight=False)
    console.print(_table(results))
    if groups := _groups(results):
        console.print(_sums(groups))
    if results and not arguments.no_history:
        console.print(f"kept in {_keep(results, arguments.scale, arguments.repeat).relative_to(ROOT)}")


def _scale(text: str) -> int:
    found = re.fullmatch(r"([0-9]+)([km]?)", text.lower())
    if not found:
        raise argparse.ArgumentTypeError("a number such as 100k or 1m")
    return int(found[1]) * UNITS.get(found[2], 1)


def _line(result: Result) -> str:
    more = {key: value for key, value in result.ours.more.items() if key not in ("bytes", "rows_in_error")}
    told = "".join(
        f", {key} {value:,.1f}" if isinstance(value, float) else f", {key} {value}" for key, value in more.items()
    )
    counted = f"{result.ours.rows:,} rows in " if result.ours.rows else ""
    bare = f", bare {result.bare.wall:.1f} s" if result.bare else ""
    return f"  {result.stage.name}: {counted}{result.ours.wall:.1f} s, {result.ours.peak_mb:,.0f} MB{bare}{told}"


def _table(results: list[Result]) -> Table:
    table = Table(title="each stage, and below it the bare engine")
    table.add_column("stage", no_wrap=True)
    for heading in ("rows", "wall s", "cpu s", "peak MB", "rows/s", "ratio", "by cpu"):
        table.add_column(heading, justify="right")
    for result in results:
        ratios = [f"{one:.2f}" if one else "" for one in (result.ratio, result.cpu_ratio)]
        table.add_row(result.stage.name, *_cells(result.ours), *ratios)
        if result.bare:
            table.add_row("  bare", *_cells(result.bare), style="dim")
    return table


def _groups(results: list[Result]) -> dict[str, Figures]:
    """Stages that belong together, added up; the first group is what the others are compared with."""
    groups: dict[str, Figures] = {}
    for result in results:
        if name := result.stage.group:
            groups[name] = groups[name] + result.ours if name in groups else result.ours
    return groups


def _sums(groups: dict[str, Figures]) -> Table:
    table = Table(title="added up")
    table.add_column("", no_wrap=True)
    for heading in ("rows landed", "wall s", "cpu s", "peak MB", "of the first"):
        table.add_column(heading, justify="right")
    first = next(iter(groups.values()))
    for name, one in groups.items():
        cells = (f"{one.rows:,}", f"{one.wall:.1f}", f"{one.cpu:.1f}", f"{one.peak_mb:.0f}")
        table.add_row(name, *cells, f"{one.wall / first.wall:.1%}")
    return table


def _cells(figures: Figures) -> list[str]:
    seconds = [f"{figures.wall:.2f}", f"{figures.cpu:.2f}"]
    counted = (f"{figures.rows:,}", f"{figures.rate:,.0f}") if figures.rows else ("", "")
    return [counted[0], *seconds, f"{figures.peak_mb:.0f}", counted[1]]


def _keep(results: list[Result], scale: int, repeat: int) -> Path:
    """Writes what was measured, where and of what, and returns the file."""
    now = datetime.now(UTC)
    content: dict[str, Any] = {
        "at": now.isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "changed_since": bool(_git("status", "--porcelain", "--", "persona_warehouse", "bench")),
        "machine": _machine(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "scale": scale,
        "repeat": repeat,
        "stages": [
            {
                "name": result.stage.name,
                "group": result.stage.group,
                "bar": result.stage.bar,
                "ours": asdict(result.ours),
                "bare": asdict(result.bare) if result.bare else None,
                "ratio": result.ratio,
                "cpu_ratio": result.cpu_ratio,
            }
            for result in results
        ],
    }
    path = ROOT / "bench" / "history" / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _machine() -> dict[str, Any]:
    """The kind of machine, without its name, and how busy it was with other work."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    model = (
        re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if Path("/proc/cpuinfo").exists() else None
    )
    return {
        "system": platform.system(),
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / (1 << 30)),
        "load_average": [round(one, 1) for one in os.getloadavg()],
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip()


if __name__ == "__main__":
    main()
