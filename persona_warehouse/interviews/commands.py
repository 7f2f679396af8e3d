"""The commands `persona interviews …`: argument parsing and speaking, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

app = typer.Typer(help="Interviews: the question bank as files to fill in.", no_args_is_help=True)
screen = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


@app.callback()
def interviews() -> None:
    """Keeps `template` a command of its own while it is the only one."""


@app.command()
def template(
    target: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="A folder for CSV files, or a workbook.", show_default=False)
    ],
) -> None:
    """Write empty interviews and answers, with the questions, the codes and how to fill them in, in both languages."""
    from persona_warehouse.interviews.template import write_template

    written = write_template(target)
    for path in written:
        screen.print(escape(str(path)), soft_wrap=True)
