"""The commands `persona try …`: argument parsing and speaking, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

if TYPE_CHECKING:
    from persona_warehouse.tryout.fit import Tried

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
FIT_SIGNALS = 25


@app.command()
def titles(file: File, column: ColumnName = None, out: Out = None, encoding: Encoding = None) -> None:
    """Job titles: department, function, seniority, duties, likely role in a purchase.

    Writes the columns of FILE with department, job_function, other_functions, seniority (intern, staff, senior,
    manager, director, vp, c_level, board, founder or unknown), duties, decision_role, buying_influence, buying_role,
    decision_confidence, confidence (0 to 1) and matched_terms: the words that the answer rests on, a slip as
    found→meant.
    """
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
    """Company names: place, brand, trade, legal form, branch, key; with --against the full name that is meant.

    Writes the columns of FILE with place, brand, trade, legal_form, branch and key, the same for every way to write one
    name. With --against also best_match (empty when unsure), its score, second_best, second_score and nearest, the best
    one even when unsure.
    """
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
    """Addresses: province, city and district with their codes (GB/T 2260).

    Writes the columns of FILE with province, province_code, city, city_code, district, district_code, confidence (0 to
    1) and matched_terms, the names that the answer rests on. What fits several places is left empty from there on.
    """
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
    """Records of persons: which are one (cluster_id), or with --against who of another file each is; and why.

    Writes the columns of FILE with cluster_id, or with --against best_match, probability, second_best,
    second_probability and evidence; beside it the pairs with their probability and what agrees and what does not.
    Columns are found by their usual names (name, email, phone, company, title, city … and 姓名, 邮箱, 手机, 公司 …).
    """
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


@app.command()
def fit(
    file: File,
    label: Annotated[str, typer.Option("--label", help="The column with the outcome: won, converted, 是否成交 …")],
    time: Annotated[
        str | None, typer.Option("--time", help="When a row began; then later rows test what earlier ones taught.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="A column to leave out; repeatable.")] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="A column to use though it looks filled in afterwards.")
    ] = None,
    positive: Annotated[
        list[str] | None, typer.Option("--positive", help="A value of the label that is the outcome; repeatable.")
    ] = None,
    out: Out = None,
    encoding: Encoding = None,
) -> None:
    """Leads with an outcome: how likely each is to buy, by which signals, tested; columns that are leaks refused."""
    from persona_warehouse.files import write_atomically
    from persona_warehouse.tryout import fit as trying
    from persona_warehouse.tryout import tables

    table = tables.read_table(file, encoding=encoding)
    tried = trying.try_fit(
        table, file, label, time=time, exclude=exclude or (), keep=keep or (), positive=positive or ()
    )
    _show_fit(tried, time)
    name = f"{file.name.split('.')[0]}.fit.csv"
    target = out / name if out is not None and out.is_dir() else out or Path(name)
    tables.write_table(tables.beside(table, tried.columns), target)
    stem = target.with_name(target.name.removesuffix(target.suffix))
    points, figures = stem.with_name(f"{stem.name}.points.csv"), stem.with_name(f"{stem.name}.json")
    tables.write_table(tried.points, points)
    write_atomically(figures, trying.as_json(tried, label, time))
    screen.print(
        f"{table.num_rows:,} rows scored; written to {escape(str(target))}, points to {escape(str(points))}, "
        f"figures to {escape(str(figures))}",
        soft_wrap=True,
    )


def _show_fit(tried: Tried, time: str | None) -> None:
    from persona_warehouse.tryout.fit import left_out, spoken, strength, unknowable

    found, test = tried.fit, tried.fit.test
    others = int((~tried.outcomes.is_known).sum())
    screen.print(
        f"{found.positives:,} rows with the outcome ({escape(', '.join(tried.outcomes.won[:5]))}), {found.negatives:,} "
        f"without ({escape(', '.join(tried.outcomes.lost[:5]))}), {others:,} open or blank\ntested {test.method}\n",
        soft_wrap=True,
    )
    scores = Table("score", "AUC (95 %)", "gain in AUC", "Brier", "lift of the best tenth", box=None)
    for each in (test.model, test.constant, test.by_hand):
        if each is not None:
            gain = f"{each.gain.value:+.3f} ({each.gain.low:+.3f} to {each.gain.high:+.3f})" if each.gain else ""
            scores.add_row(each.name, spoken(each.auc), gain, f"{each.brier:.4f}", f"{each.top_lift:.2f}")
    screen.print(scores)
    if test.by_hand is None:
        screen.print("no rule of the points table made by hand finds a column here", style="dim")
    tenths = Table("tenth", "rows", "outcomes", "rate (95 %)", "stated", "lift", "captured", box=None)
    for one in test.tenths:
        tenths.add_row(
            str(one.number), f"{one.n:,}", f"{one.outcomes:,}", f"{one.rate:.1%} ({one.low:.1%} to {one.high:.1%})",
            f"{one.stated:.1%}", f"{one.lift:.2f}", f"{one.captured:.0%}",
        )  # fmt: skip
    screen.print(tenths)
    right = test.calibration
    screen.print(
        f"calibration: stated and so differ by {right.error:.1%} on average; slope {right.slope:.2f} "
        f"({right.slope_low:.2f} to {right.slope_high:.2f}), 1 is right; p = {right.p:.2g} that nothing is wrong\n",
        soft_wrap=True,
    )
    signals = Table(
        "signal", "moves scores by", "alone (AUC)", Column("best", overflow="fold"), Column("worst", overflow="fold"),
        Column("ask", overflow="fold"), box=None,
    )  # fmt: skip
    judged = {judgement.column: judgement for judgement in found.judgements}
    strengths = [(strength(signal, found), judged[signal.name]) for signal in found.points.signals]
    for (moves, best, worst), judgement in sorted(strengths, key=lambda pair: -pair[0][0])[:FIT_SIGNALS]:
        alone = "" if judgement.alone is None else f"{judgement.alone:.3f}"
        signals.add_row(
            escape(judgement.column), f"±{moves:.1f} points", alone, escape(best), escape(worst),
            escape(judgement.reason or ""),
        )  # fmt: skip
    screen.print(signals)
    screen.print("10 points double the odds\n", style="dim")
    refused = Table("column", "verdict", "alone (AUC)", Column("why", overflow="fold"), box=None)
    for judgement in left_out(found):
        alone = "" if judgement.alone is None else f"{judgement.alone:.3f}"
        refused.add_row(escape(judgement.column), str(judgement.verdict), alone, escape(judgement.reason or ""))
    if refused.row_count:
        screen.print(refused)
    if test.with_suspected is not None:
        screen.print(
            f"with the suspected columns the AUC would be {spoken(test.with_suspected)}: right only if they are filled "
            "in before the outcome; --keep COLUMN uses one",
            soft_wrap=True,
        )
    for warning in found.warnings:
        screen.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    for question in unknowable(tried, time):
        screen.print(f"[dim]cannot be known:[/] {escape(question)}", soft_wrap=True)


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
