"""The commands `persona identity …`: argument parsing and speaking, nothing else."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from persona_warehouse.settings import load_settings

app = typer.Typer(help="Who is who: why records are one, what changed, and taking a change back.", no_args_is_help=True)
screen = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

Home = Annotated[
    Path | None, typer.Option("--home", help="Folder for all that a run writes; default $PERSONA_HOME, else ./var.")
]


@app.command("explain")
def explain_id(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An account or contact, a former id, crm|companies|123.")],
    clear: Annotated[bool, typer.Option("--clear", help="Personal data unmasked.")] = False,
    home: Home = None,
) -> None:
    """Which records are one and why: keys, links with their probability and what that is made of, decisions."""
    from persona_warehouse.identity.explain import explain, reading

    settings = load_settings(home)
    with reading(settings) as connection:
        told = explain(connection, settings, id_, clear=clear)
    also = f", formerly {', '.join(told.former_ids)}" if told.former_ids else ""
    screen.print(f"[bold]{told.entity} {escape(told.entity_id)}[/]{escape(also)}", soft_wrap=True)
    if told.parents:
        screen.print(f"part of {escape(' → '.join(told.parents))}", soft_wrap=True)
    if told.records:
        keys = [name for name in told.records[0] if any(one[name] is not None for one in told.records)]
        _table(keys, [[one[name] for name in keys] for one in told.records])
    if told.links:
        screen.print("\n[bold]links[/]")
        _table(("record", "record", "by", "bits", "probability"), told.links)
    for left, right, steps in told.waterfalls:
        screen.print(f"\n[bold]{escape(left)} and {escape(right)}[/]", soft_wrap=True)
        rows = [(one["step"], one["says"] or "", one["weight"], one["probability"]) for one in steps]
        _table(("step", "says", "bits", "probability so far"), rows)
    if told.overrides:
        screen.print("\n[bold]decisions[/]")
        _table(
            ("where", "rule", "left", "right", "reason", "author"),
            [(one.place, one.rule, one.left_id, one.right_id, one.reason, one.author) for one in told.overrides],
        )
    if told.changes:
        screen.print("\n[bold]changes[/]")
        _table(("on", "change", "kind", "before", "after", "reason"), told.changes)


@app.command()
def changes(
    since: Annotated[str | None, typer.Option("--since", help="From this day on, YYYY-MM-DD.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Also accounts and contacts that began.")] = False,
    home: Home = None,
) -> None:
    """What merged, split and moved, when and why."""
    from persona_warehouse.identity.explain import reading
    from persona_warehouse.identity.undo import list_changes

    settings = load_settings(home)
    day = load_settings(business_date=since).business_date if since else None
    with reading(settings) as connection:
        found = list_changes(connection, day, new_too=new)
    rows = [
        (
            one.changed_on,
            one.change_id,
            one.entity,
            one.change,
            one.id_before,
            one.id_after,
            len(one.records),
            one.reason,
        )
        for one in found
    ]
    if not rows:
        screen.print("nothing has changed")
        return
    _table(("on", "change", "entity", "kind", "before", "after", "records", "reason"), rows)


@app.command("undo")
def undo_change(
    change: Annotated[str, typer.Argument(help="The id of a change, or its beginning.")],
    author: Annotated[str | None, typer.Option("--author", help="Who decides; default the user.")] = None,
    home: Home = None,
) -> None:
    """Take a merge, a split or a move back, and keep it so by a decision in this home."""
    from persona_warehouse.identity.overrides import home_file
    from persona_warehouse.identity.undo import undo

    settings = load_settings(home)
    undone, counts = undo(settings, change, author or getpass.getuser())
    screen.print(f"undone: {undone.change} of {undone.id_before} and {undone.id_after}; {counts}", soft_wrap=True)
    screen.print(
        f"the decision stands in {escape(str(home_file(settings)))}; the next night's marts show it", soft_wrap=True
    )


def _table(names: Any, rows: Any) -> None:
    shown = Table(*(Column(str(name), overflow="fold") for name in names), box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*(escape(_text(cell)) for cell in row))
    screen.print(shown)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
