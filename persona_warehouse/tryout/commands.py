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
ColumnName = Annotated[
    str | None, typer.Option("--column", help="Which column; default the usual name, or the only one.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Where to write, .csv or .parquet; default FILE.<command>.csv here.")
]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Of a text file; default UTF-8, else GB18030.")]
SHOWN = 12


@app.command()
def titles(file: File, column: ColumnName = None, out: Out = None, encoding: Encoding = None) -> None:
    """Job titles: department, function, seniority, duties, likely role in a purchase."""
    from persona_warehouse.tryout import tables
    from persona_warehouse.tryout.titles import USUAL_COLUMNS, read_titles

    table, values = tables.read_column(file, column, USUAL_COLUMNS, encoding)
    results, said = read_titles(values)
    _show(values, results, ("seniority", "job_function", "decision_role", "confidence", "matched_terms"))
    _end(file, "titles", tables.beside(table, results), out, said)


@app.command()
def companies(
    file: File,
    column: ColumnName = None,
    against: Annotated[Path | None, typer.Option("--against", help="A list of full names to find them in.")] = None,
    against_column: Annotated[str | None, typer.Option("--against-column", help="The column of that list.")] = None,
    out: Out = None,
    encoding: Encoding = None,
) -> None:
    """Company names: place, brand, trade, legal form, branch, key; with --against the full name that is meant."""
    from persona_warehouse.tryout import tables
    from persona_warehouse.tryout.companies import USUAL_COLUMNS, read_companies

    table, values = tables.read_column(file, column, USUAL_COLUMNS, encoding)
    listed = tables.read_column(against, against_column, USUAL_COLUMNS, encoding)[1] if against else None
    results, said = read_companies(values, listed)
    shown = ("best_match", "score", "second_best") if against else ("place", "brand", "trade", "legal_form", "branch")
    _show(values, results, shown)
    _end(file, "companies", tables.beside(table, results), out, said)


@app.command()
def addresses(file: File, column: ColumnName = None, out: Out = None, encoding: Encoding = None) -> None:
    """Addresses: province, city and district with their codes (GB/T 2260)."""
    from persona_warehouse.tryout import tables
    from persona_warehouse.tryout.addresses import USUAL_COLUMNS, read_addresses

    table, values = tables.read_column(file, column, USUAL_COLUMNS, encoding)
    results, said = read_addresses(values)
    _show(values, results, ("province", "city", "district", "confidence"))
    _end(file, "addresses", tables.beside(table, results), out, said)


@app.command()
def people(
    file: File,
    against: Annotated[Path | None, typer.Option("--against", help="Another file to find each person in.")] = None,
    threshold: Annotated[float, typer.Option("--threshold", help="Two are one from this probability on.")] = 0.6,
    out: Out = None,
    encoding: Encoding = None,
) -> None:
    """Records of persons: which are one (cluster_id), or with --against who of another file each is; and why."""
    from persona_warehouse.tryout import tables
    from persona_warehouse.tryout.people import read_people

    table = tables.read_table(file, encoding=encoding)
    other = tables.read_table(against, encoding=encoding) if against else None
    found = read_people(table, file, other, against, threshold)
    target = out or Path(f"{file.name.split('.')[0]}.people.csv")
    tables.write_table(tables.beside(table, found.columns), target)
    pairs = target.with_name(f"{target.name.split('.')[0]}.pairs.csv")
    tables.write_table(found.pairs, pairs)
    shown = {name: found.pairs[name].combine_chunks() for name in ("id_r", "probability", "evidence")}
    _show(found.pairs["id_l"], shown, tuple(shown))
    screen.print(
        f"{table.num_rows:,} rows, {found.said}; written to {escape(str(target))}, pairs to {escape(str(pairs))}",
        soft_wrap=True,
    )


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
