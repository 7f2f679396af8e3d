"""`persona alarms`: trying channels out, what stands, and whether a night has been missed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from persona_warehouse import alarms
from persona_warehouse.alarms import Told
from persona_warehouse.errors import ExitCode
from persona_warehouse.night.alarms import silent
from persona_warehouse.settings import load_settings

app = typer.Typer(help="Who is told of problems: try it out, see what stands, notice silence.", no_args_is_help=True)
out = Console(highlight=False)
Home = Annotated[Path | None, typer.Option("--home", help="Folder of a home; default $PERSONA_HOME, else ./var.")]
SAID = {"sent": "[green]✓[/] sent", "failed": "[red]✗[/] nobody took it", "unset": "[yellow]![/] not set"}


@app.command("test")
def test_channels(
    channel: Annotated[str | None, typer.Option("--channel", help="One connection of the routes; default all.")] = None,
    home: Home = None,
) -> None:
    """Send a test message to every channel that is set."""
    told = alarms.try_out(load_settings(home), channel)
    _say(told)
    if any(one.state == "failed" for one in told) or all(one.state == "unset" for one in told):
        out.print('set a channel: export AIRFLOW_CONN_<NAME>=\'{"conn_type": "apprise", "password": "<address>"}\'')
        raise typer.Exit(int(ExitCode.WRONG_USE))


@app.command("show")
def show(home: Home = None) -> None:
    """What stands, since when, and which channels are set."""
    settings = load_settings(home)
    table = Table("since", "kind", "owner", "problem", "told", box=None, pad_edge=False)
    for one in alarms.known(settings):
        table.add_row(one.since, one.kind, one.owner, escape(one.cause), one.told or "nobody yet")
    out.print(table if table.row_count else "nothing stands")
    last = alarms.last_beat(settings)
    out.print(f"last sign of life: {last:%Y-%m-%d %H:%M} UTC" if last else "no sign of life yet")
    names = list(dict.fromkeys(route.connection for route in alarms.routes()))
    for name, is_set in alarms.state_of(names).items():
        out.print(f"{name}: {'set' if is_set else 'not set'}")


@app.command("check")
def check(
    hours: Annotated[float, typer.Option("--hours", min=1, help="How old the last publication may be.")] = 30,
    home: Home = None,
) -> None:
    """Notice silence: tell, and end with 1, where no night has published for so many hours. For cron elsewhere."""
    settings = load_settings(home)
    problem = silent(settings, hours)
    if problem is None:
        out.print("a night has published in time")
        raise typer.Exit(int(ExitCode.DONE))
    out.print(escape(problem.cause))
    _say(alarms.tell(settings, [problem], whole=False))
    raise typer.Exit(int(ExitCode.AUDIT_FAILED))


def _say(told: list[Told]) -> None:
    for one in told:
        out.print(f"{SAID[one.state]}  {one.connection}")
