"""`persona personas`: personas of releases."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from persona_warehouse.settings import load_settings

if TYPE_CHECKING:
    from persona_warehouse.versions.comparison import Comparison, Match

app = typer.Typer(help="Personas of releases: what changed from one to another.", no_args_is_help=True)
screen = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
# so many changes that may be noise are shown, the surest first
SHOWN = 10


@app.callback()
def personas() -> None:
    """Personas of releases: what changed from one to another."""


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(help="A release by its id or the beginning of it.")],
    after: Annotated[str | None, typer.Argument(help="Another; the current one when it is not given.")] = None,
    home: Annotated[
        Path | None, typer.Option("--home", help="Folder for all that a run writes; default $PERSONA_HOME, else ./var.")
    ] = None,
) -> None:
    """What changed in the personas from one release to another, and whether it is more than noise."""
    from persona_warehouse.publish import find_release
    from persona_warehouse.versions.comparison import compare

    settings = load_settings(home=home)
    older, newer = find_release(settings, before), find_release(settings, after)
    found = compare(older, newer)
    screen.print(f"{older.release_id} → {newer.release_id}\n")
    _show(found)


def _show(found: Comparison) -> None:
    names = Column("before", overflow="fold"), Column("after", overflow="fold")
    table = Table("persona", *names, "accounts", "in common", box=None, pad_edge=False)
    for match in found.matches:
        table.add_row(
            _state(match), escape(match.name_before or "—"), escape(match.name_after or "—"),
            f"{match.accounts_before:,} → {match.accounts_after:,}",
            "" if match.overlap is None else f"{match.overlap:.0%}",
        )  # fmt: skip
    screen.print(table if found.matches else "neither release has personas")
    sure = found.sure
    screen.print(f"\n{len(found.changes):,} shares compared, {len(sure):,} changed by more than noise\n")
    shown = sure or tuple(one for one in found.changes if one.difference)[:SHOWN]
    if shown:
        changes = Table("of", Column("share", overflow="fold"), "before", "after", "change", "p adjusted", "trait",
                        box=None, pad_edge=False)  # fmt: skip
        for one in shown:
            changes.add_row(
                one.about, escape(one.what), f"{one.k_before / one.n_before:.0%} of {one.n_before:,}",
                f"{one.k_after / one.n_after:.0%} of {one.n_after:,}", f"{100 * one.difference:+.0f} points",
                f"{one.p_adjusted:.3g}", _said(one.said),
            )  # fmt: skip
        screen.print(changes)
        if not sure:
            screen.print("none of these is more than noise", style="dim")
    flipped = [one for one in found.changes if one.said is not None and one.said[0] != one.said[1] and one not in sure]
    if flipped:
        told = ", ".join(f"{one.about}: {one.what} ({_said(one.said)})" for one in flipped)
        screen.print(
            f"said of one release only, while the share itself changed by no more than noise: {escape(told)}",
            soft_wrap=True,
        )
    for release, name, reason in found.unsaid:
        screen.print(f"[dim]{release}, {escape(name)}:[/] {escape(reason)}", soft_wrap=True)


def _state(match: Match) -> str:
    if match.before is None:
        return f"{match.after} new"
    if match.after is None:
        return f"{match.before} gone"
    return match.after if match.before == match.after else f"{match.before} → {match.after}"


def _said(said: tuple[bool, bool] | None) -> str:
    return {None: "", (True, True): "still", (False, False): "", (True, False): "no more", (False, True): "new"}[said]
