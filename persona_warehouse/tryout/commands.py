"""The commands `persona try …`: argument parsing and speaking, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

app = typer.Typer(
    help="Run the dictionaries and matchers on a file of your own, and see what they rest on.", no_args_is_help=True
)
screen = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

File = Annotated[Path, typer.Argument(help="CSV, XLSX, Parquet or JSON lines.", show_default=False)]
ColumnName = Annotated[str | None, typer.Option("--column", help="Which column; default the usual name, or the only one.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where to write; .csv or .parquet; default FILE.<command>.csv here.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Of a text file; default UTF-8, else GB18030.")]
SHOWN = 12


@app.command()
def titles(file: File, column: ColumnName = None, out: Out = None, encoding: Encoding = None) -> None:
    """Job titles: department, function, seniority, duties, likely role in a purchase."""
    from persona_warehouse.tryout import tables
    from persona_warehouse.tryout.titles import USUAL_COLUMNS, read_titles

    table = tables.read_table(file, encoding=encoding)
    name = tables.choose_column(table, column, USUAL_COLUMNS, file)
    read = read_titles(table.column(name))
    _show(table.column(name), read.columns, ("seniority", "job_function", "decision_role", "confidence", "matched_terms"))
    _end(file, "titles", tables.beside(table, read.columns), out, f"seniority known for {read.known:,}")


def _show(values: pa.ChunkedArray, results: dict[str, pa.Array], columns: tuple[str, ...]) -> None:
    shown = Table(Column("input", overflow="fold"), *(Column(name, overflow="fold") for name in columns), box=None)
    for index in range(min(SHOWN, len(values))):
        cells = [values[index].as_py(), *(results[name][index].as_py() for name in columns)]
        shown.add_row(*(escape("" if cell is None else str(cell)) for cell in cells))
    screen.print(shown)


def _end(file: Path, command: str, result: pa.Table, out: Path | None, said: str) -> None:
    from persona_warehouse.tryout.tables import write_table

    target = out or Path(f"{file.name.split('.')[0]}.{command}.csv")
    write_table(result, target)
    screen.print(f"{result.num_rows:,} rows, {said}; written to {escape(str(target))}", soft_wrap=True)
