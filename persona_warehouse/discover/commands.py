"""The command `persona init`: asking and showing, nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from persona_warehouse.errors import ConfigError

if TYPE_CHECKING:
    from persona_warehouse.discover.guess import Guess
    from persona_warehouse.discover.look import Looked

screen = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
SAMPLES = 3


def init(
    folder: Annotated[Path, typer.Argument(help="The folder of exports.")] = Path(),
    out: Annotated[Path, typer.Option("--out", help="The sources file to write.")] = Path("sources.yml"),
    yes: Annotated[bool, typer.Option("--yes", help="Take every guess and ask nothing, for scripts.")] = False,
    currency: Annotated[str | None, typer.Option("--currency", help="Of amounts that name none, such as CNY.")] = None,
    site: Annotated[str | None, typer.Option("--site", help="The web site that logs are of: https://…")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a sources file that is there.")] = False,
) -> None:
    """Look at a folder of exports and write the sources file: which object each file is, and each of its columns."""
    from persona_warehouse.discover.guess import guess_all
    from persona_warehouse.discover.look import look
    from persona_warehouse.discover.write import sources_text
    from persona_warehouse.files import write_atomically
    from persona_warehouse.landing.mapping import currency_code
    from persona_warehouse.sources.config import read_sources

    if out.exists() and not force:
        raise ConfigError(
            "there is a sources file already", file=str(out), remedy="give another --out, or --force to write over it"
        )
    try:
        currency = currency_code(currency) if currency else None
    except ValueError as error:
        raise ConfigError(
            "no such currency", expected=str(error), found=str(currency), remedy="give --currency CNY"
        ) from error
    with screen.status("looking …"):
        looked = look(folder)
        guesses = guess_all(looked)
    logs = [one for one in looked if one.table is None and not one.problem]
    if not guesses and not logs:
        raise ConfigError(
            "no file was recognised",
            file=str(folder),
            expected="exports of companies, contacts, leads, deals …, with names of columns in the first line",
            found=", ".join(one.name + (f" ({one.problem})" if one.problem else "") for one in looked[:5]),
            remedy="name the files by what they hold, such as deals.csv, or write the sources file by hand: see README",
        )
    kept = [one for guess in guesses for one in _confirmed(guess, yes)]
    for one in logs:
        screen.print(f"[bold]{escape(one.name)}[/] is a log of a web server")
    if not yes:
        if currency is None and any(_has_money(one) for one in kept):
            currency = currency_code(typer.prompt("Currency of amounts that name none", default="CNY"))
        if site is None and logs:
            site = typer.prompt("The web site of the logs (https://…), empty if unknown", default="") or None
    write_atomically(out, sources_text(folder, out, kept, looked, currency=currency, site=site))
    read_sources(out.absolute())
    _end(out, kept, looked, logs)


def _confirmed(guess: Guess, yes: bool) -> Iterator[Guess]:
    """The guess as a person corrected it; nothing when the file is not wanted."""
    _show(guess)
    if yes:
        yield guess
        return
    while True:
        said = typer.prompt(
            "Enter takes it, `column=name` corrects, `column=` leaves out, `skip` passes the file over", default=""
        )
        if said.strip() == "skip":
            return
        if not said.strip():
            yield guess
            return
        guess = corrected(guess, said)
        _show(guess)


def corrected(guess: Guess, said: str) -> Guess:
    """The guess with one column as somebody said: `landing column=column of the file`, or nothing after the sign."""
    from persona_warehouse.discover.guess import Column as Mapped
    from persona_warehouse.landing.contract import contract

    landing, _, source = (part.strip() for part in said.partition("="))
    known = contract(guess.stream, guess.name).columns
    if landing not in known or (source and source not in guess.profiles):
        screen.print(f"[yellow]![/] no such column; columns of {guess.name}: {', '.join(known)}", soft_wrap=True)
        return guess
    columns = [one for one in guess.columns if one.field != landing]
    if source:
        columns.append(Mapped(landing, source, "said"))
    return replace(guess, columns=columns)


def _show(guess: Guess) -> None:
    from persona_warehouse.landing.contract import contract

    doubt = "" if guess.score >= 6 else "  [yellow]a guess[/]"
    sheet = f", sheet {guess.looked.sheet}" if guess.looked.sheet else ""
    encoding = f", {guess.looked.encoding}" if guess.looked.encoding not in ("", "utf-8") else ""
    screen.print(f"\n[bold]{escape(guess.looked.name)}[/]{escape(sheet)}{encoding} → [bold]{guess.name}[/]{doubt}")
    table = Table("column", "is", "why", Column("samples", overflow="fold"), box=None, pad_edge=False)
    columns = contract(guess.stream, guess.name).columns
    for one in guess.columns:
        mark = "" if one.is_sure else "[yellow]? [/]"
        # whom a deal belongs to is somebody's name in most exports
        personal = columns[one.field].classification == "personal" or one.field == "owner_id"
        table.add_row(
            escape(one.source), f"{mark}{one.field}", escape(one.why), escape(samples(guess, one.source, personal))
        )
    for name in guess.left:
        table.add_row(f"[dim]{escape(name)}[/]", "[dim]properties[/]", f"[dim]{escape(guess.left[name])}[/]", "")
    screen.print(table)


def samples(guess: Guess, source: str, personal: bool) -> str:
    """A few values; words from a list, numbers and dates as they are, what could tell of somebody masked."""
    profile = guess.profiles[source]
    told = profile.shares
    is_plain = profile.is_enumeration or bool(profile.date_formats()[0])
    is_plain = is_plain or max(told["decimal"], told["moment"], told["boolean"]) >= 0.9
    is_plain = is_plain and not personal and max(told["mobile"], told["email"]) < 0.1
    return ", ".join(value if is_plain else masked(value) for value in list(profile.words)[:SAMPLES])


def masked(value: str) -> str:
    """The first character, and how long the rest is."""
    return value[:1] + "*" * min(max(len(value) - 1, 1), 8)


def _has_money(guess: Guess) -> bool:
    from persona_warehouse.landing.contract import contract

    return any(one.field in contract(guess.stream, guess.name).money for one in guess.columns)


def _end(out: Path, kept: list[Guess], looked: list[Looked], logs: list[Looked]) -> None:
    columns = sum(len(one.columns) for one in kept)
    doubts = sum(not column.is_sure for one in kept for column in one.columns) + sum(len(one.doubts) for one in kept)
    others = len(looked) - len(kept) - len(logs)
    screen.print(
        f"\n{len(kept) + len(logs)} files, {columns} columns mapped, {doubts} guesses to look at, {others} files not "
        f"recognised: {escape(str(out))}",
        soft_wrap=True,
    )
    screen.print(f"next: persona nightly --sources {escape(str(out))}", soft_wrap=True)
