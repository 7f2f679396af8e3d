"""The command line: argument parsing and speaking, nothing else."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from persona_warehouse import __version__
from persona_warehouse.discover.commands import init
from persona_warehouse.errors import ConfigError, ExitCode, PersonaError
from persona_warehouse.identity.commands import app as identity_app
from persona_warehouse.interviews.commands import app as interviews_app
from persona_warehouse.night.alarm_commands import app as alarms_app
from persona_warehouse.settings import Settings, load_settings
from persona_warehouse.tryout.commands import app as try_app
from persona_warehouse.versions.commands import app as personas_app

app = typer.Typer(
    name="persona",
    help="A persona warehouse: CRM, website and WeChat in, audited persona marts out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
releases_app = typer.Typer(help="What was published: list, show, verify, roll back, prune.", no_args_is_help=True)
app.command("init")(init)
app.add_typer(releases_app, name="releases")
app.add_typer(try_app, name="try")
app.add_typer(identity_app, name="identity")
app.add_typer(alarms_app, name="alarms")
app.add_typer(interviews_app, name="interviews")
app.add_typer(personas_app, name="personas")

Home = Annotated[
    Path | None, typer.Option("--home", help="Folder for all that a run writes; default $PERSONA_HOME, else ./var.")
]
Sources = Annotated[
    Path | None,
    typer.Option(
        "--sources", help="The sources file; default $PERSONA_SOURCES, ./sources.yml, else the sample world's."
    ),
]
# in a pipe nothing is cut to a terminal's width
out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False)


def main() -> None:
    """The entry point: every error leaves with its own exit code."""
    try:
        code = app(standalone_mode=False)
    except PersonaError as error:
        say_error(error)
        sys.exit(int(error.exit_code))
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        err.print("stopped; nothing was published", style="yellow")
        sys.exit(130)
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own: wrong options, unknown commands
            err.print(f"[red]{escape(error.format_message())}[/]\nsee `persona --help`")
            sys.exit(int(ExitCode.WRONG_USE))
        err.print_exception(show_locals=False)
        err.print("[red]a fault of the program[/]: please report it with the lines above")
        sys.exit(int(ExitCode.FAULT))
    sys.exit(code if isinstance(code, int) else int(ExitCode.DONE))


def say_error(error: PersonaError) -> None:
    """Prints an error with its cause and remedy."""
    first, *rest = str(error).splitlines()
    err.print(f"[bold red]error:[/] {escape(first)}")
    for line in rest:
        err.print(escape(line), soft_wrap=True)


@app.command()
def nightly(
    home: Home = None,
    sources: Sources = None,
    date_: Annotated[
        str | None, typer.Option("--date", help="The night's date, YYYY-MM-DD; default yesterday.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Read the sources whole and land everything again.")] = False,
) -> None:
    """Run the night: the four DAGs in order, then say where to look."""
    settings = replace(_settings(home, sources, date_), force=force)
    from persona_warehouse.sources.config import read_sources

    read_sources(settings.sources_file)  # a wrong file is said before anything starts
    raise typer.Exit(_run_night(settings))


def _run_night(settings: Settings) -> int:
    from persona_warehouse.night import embedded
    from persona_warehouse.night.rebuild import night_alone

    with night_alone(settings):
        _finish_erasures(settings)
        console, log = _begin(settings, "nightly", f"sources {settings.sources_file}")
        steps = _run_dags(settings, console, log, embedded.NIGHT)
        code = _close_night(settings, console, steps, log)
        return code if code or not settings.erase_unfollowed else _erase_unfollowed(settings)


def _begin(settings: Settings, command: str, what: str) -> tuple[Console, Path]:
    """A console that keeps the terminal when what the tools print goes to the log, and the log."""
    settings.logs.mkdir(parents=True, exist_ok=True)
    log = settings.logs / f"{command}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log"
    console = Console(file=os.fdopen(os.dup(1), "w"), highlight=False, force_terminal=out.is_terminal)
    console.print(f"[bold]persona {command}[/] {settings.business_date}   {escape(what)}", soft_wrap=True)
    console.print(f"log {escape(str(log))}", style="dim", soft_wrap=True)
    return console, log


def _run_dags(settings: Settings, console: Console, log: Path, dags: Sequence[str]) -> list[Any]:
    """Runs DAGs in order with a line a step, and returns the steps."""
    from persona_warehouse.night import embedded, runs

    planned = [step for step in embedded.STEPS if step[0] in dags]
    width = max(len(f"{dag}.{task}") for dag, task in planned)
    with console.status("starting Airflow …") as status:

        def show(run: runs.StepRun) -> None:
            place = planned.index((run.dag, run.task)) + 1
            name = f"{run.dag}.{run.task}"
            if run.status == "running":
                status.update(f"[{place}/{len(planned)}] {name} …")
                return
            mark = "[green]✓[/]" if run.status == "done" else "[red]✗[/]"
            said = run.detail if run.status == "done" else run.message
            console.print(
                f"{mark} {place}/{len(planned)} {name:<{width}} {run.seconds:6.1f} s  {escape(said)}",
                soft_wrap=True,
            )

        runs.observers.append(show)
        try:
            return embedded.run_night(settings, log, dags)
        finally:
            runs.observers.remove(show)


def _close_night(settings: Settings, console: Console, steps: list[Any], log: Path) -> int:
    """Says where to look, and turns what failed into an exit code."""
    from persona_warehouse.publish import current_release
    from persona_warehouse.quality.results import audit_folder

    failed = [run for run in steps if run.status != "done"]
    for run in failed:
        console.print(f"\n[bold red]{run.dag}.{run.task}[/] {escape(run.detail)}", soft_wrap=True)
    build = [run for run in failed if run.dag == "build_personas"]
    published = any(run.task == "publish_release" and run.status == "done" for run in steps)
    rows = [("log", str(log))]
    release = current_release(settings)
    if published and release:
        pages = {"marts": "persona_marts.duckdb", "report": "report/index.html", "quality": "quality/index.html"}
        rows = [("release", release.release_id), *((k, str(settings.current / v)) for k, v in pages.items()), *rows]
    else:
        page = audit_folder(settings) / "quality" / "index.html"
        rows = [("quality", str(page)), *rows] if page.exists() else rows
        still = release.release_id if release else "absent"
        rows = [("release", f"nothing published; `current` is still {still}"), *rows]
    console.print()
    for name, place in rows:
        console.print(f"{name:<8} {escape(place)}", soft_wrap=True)
    if build:
        return build[0].exit_code or int(ExitCode.FAULT)
    if not published:
        console.print(f"[red]the night did not come to its end; see {escape(str(log))}[/]", soft_wrap=True)
        return int(ExitCode.FAULT)
    return max((run.exit_code for run in failed), default=int(ExitCode.DONE))


@app.command()
def rebuild(
    home: Home = None,
    date_: Annotated[
        str | None, typer.Option("--date", help="The night's date, YYYY-MM-DD; default that of the current release.")
    ] = None,
) -> None:
    """Drop the warehouse, build it again from landing, and say which tables are as they were."""
    from persona_warehouse.night import rebuild as rebuilding
    from persona_warehouse.publish import current_release

    settings = rebuilding.default_date(_settings(home, None, date_), date_)
    with rebuilding.night_alone(settings):
        before = current_release(settings)
        console, log = _begin(settings, "rebuild", f"from {settings.landing}")
        steps = rebuilding.rebuild(
            settings,
            lambda line: console.print(escape(line), soft_wrap=True),
            lambda at: _run_dags(at, console, log, rebuilding.BUILD),
        )
        code = _close_night(settings, console, steps, log)
        now = current_release(settings)
        if not rebuilding.is_published(steps) or now is None:
            console.print("the warehouse is again as it was before")
            raise typer.Exit(code)
        table = Table("table", "content", "rows before", "rows now", box=None, pad_edge=False)
        compared = rebuilding.compare(before, now)
        for one in compared:
            style = "" if one.word == "same" else "[yellow]"
            rows = ("" if number is None else f"{number:,}" for number in (one.rows_before, one.rows_now))
            table.add_row(one.table, f"{style}{one.word}", *rows)
        console.print(table)
        same = sum(one.word == "same" for one in compared)
        than = before.release_id if before else "no release"
        console.print(f"{same} of {len(compared)} tables have the content of {than}")
    raise typer.Exit(code)


@app.command()
def erase(
    identifier: Annotated[
        str | None,
        typer.Option(
            "--identifier", help="E-mail, phone, openid, unionid, contact_id, or the CRM's contact or lead id."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    suppress_only: Annotated[
        bool, typer.Option("--suppress-only", help="Keep somebody out whom nothing here knows yet.")
    ] = False,
    unfollowed: Annotated[
        bool, typer.Option("--unfollowed", help="What WeChat told of everybody who left the account.")
    ] = False,
    home: Home = None,
    sources: Sources = None,
) -> None:
    """Erase a person from everything this home holds, and print the proof; without --identifier, end one cut off."""
    from persona_warehouse.night import rebuild as rebuilding
    from persona_warehouse.night.erasure import find, run

    settings = rebuilding.default_date(_settings(home, sources), None)
    with rebuilding.night_alone(settings):
        ended = _finish_erasures(settings)
        if unfollowed:
            raise typer.Exit(_erase_unfollowed(settings))
        if identifier is None:
            out.print(f"{ended} erasures were cut off and are ended" if ended else "no erasure was cut off")
            raise typer.Exit(int(ExitCode.DONE))
        if suppress_only:
            number = run.suppress_only(settings, find.unknown(settings, identifier))
            out.print(f"{number} identifiers are kept out from now on")
            raise typer.Exit(int(ExitCode.DONE))
        person = find.find(settings, identifier)
        if person is None:
            raise ConfigError(
                "nobody here bears this identifier",
                expected="an e-mail, phone, openid, unionid, contact_id, or the CRM's id of a contact or lead",
                found="one that neither the warehouse nor the landing zone knows; nothing was changed",
                remedy="give another one of the person; --suppress-only keeps this one out of future loads",
            )
        found = run.preview(settings, person)
        kinds = ", ".join(f"{len(of)} {kind}" for kind, of in person.people.identifiers.items() if of)
        out.print(f"one person, {len(person.nodes)} records: {kinds}")
        if person.shared:
            out.print(f"{person.shared} identifiers are others' too and stay with them")
        for place, number in found.items():
            out.print(f"  {place:<48} {number:>8,}")
        if dry_run:
            raise typer.Exit(int(ExitCode.DONE))
        if not yes and not typer.confirm("erase for good? There is no undo", default=False):
            raise typer.Exit(int(ExitCode.DONE))
        raise typer.Exit(_erase(settings, person))


def _erase_unfollowed(settings: Settings) -> int:
    """Erases what WeChat told of who left; nobody is asked: it is the platform's rule."""
    from persona_warehouse.night.erasure import find

    gone = find.unfollowed(settings)
    if gone is None:
        out.print("nobody who left the account is known any more")
        return int(ExitCode.DONE)
    out.print(f"{len(gone.people.identifiers['openid']):,} people left the account: what WeChat told of them is erased")
    return _erase(settings, gone)


@app.command()
def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    date_: Annotated[
        str | None, typer.Option("--date", help="From which ages count, YYYY-MM-DD; default the current release's.")
    ] = None,
    home: Home = None,
) -> None:
    """Remove what is older than the seed policies/retention.csv lets it be, and build anew where rows went."""
    from persona_warehouse.night import rebuild as rebuilding
    from persona_warehouse.night.retention import retain as apply

    settings = rebuilding.default_date(_settings(home, None, date_), date_)
    with rebuilding.night_alone(settings):
        found = apply(settings, dry_run=dry_run)
        for name, number in found.items():
            out.print(f"{name:<32} {number:>9,} {'rows' if name.startswith('landing') else 'files'}")
        if not found:
            out.print("nothing is older than it may be")
        if dry_run or not any(name.startswith("landing") for name in found):
            raise typer.Exit(int(ExitCode.DONE))
        console, log = _begin(settings, "retain", "the warehouse without what went")
        steps = rebuilding.rebuild(
            settings,
            lambda line: console.print(escape(line), soft_wrap=True),
            lambda at: _run_dags(at, console, log, rebuilding.BUILD),
        )
        raise typer.Exit(_close_night(settings, console, steps, log))


def _finish_erasures(settings: Settings) -> int:
    """Ends what was cut off; how many it were."""
    from persona_warehouse.night.erasure import plan

    left = plan.unfinished(settings)
    for one in left:
        out.print(f"erasure {one.erasure_id} was cut off and goes on")
        code = _erase(settings, one)
        if code:
            raise typer.Exit(code)
    return len(left)


def _erase(settings: Settings, person: Any) -> int:
    from persona_warehouse.night import rebuild as rebuilding
    from persona_warehouse.night.erasure import run

    console, log = _begin(settings, "erase", f"erasure {person.erasure_id}")
    proof, steps = run.erase(
        settings,
        person,
        lambda line: console.print(escape(line), soft_wrap=True),
        lambda at: _run_dags(at, console, log, rebuilding.BUILD),
    )
    code = _close_night(settings, console, steps, log)
    for source in proof["left_in_sources"]:
        console.print(f"[yellow]![/] {escape(source)}", soft_wrap=True)
    for place, number in proof["left_in_this_home"].items():
        mark = "[red]✗[/]" if number else "[green]✓[/]"
        console.print(f"{mark} {place} that still hold them: {number:,}")
    console.print(f"proof    {escape(str(run.proof_file(settings, person.erasure_id)))}", soft_wrap=True)
    if any(proof["left_in_this_home"].values()):
        console.print("[red]something is left[/]: mend what is named, then give `persona erase` again to end it")
        return code or int(ExitCode.FAULT)
    return code


@app.command()
def simulate(
    out_: Annotated[
        Path | None, typer.Option("--out", help="Folder to write it into; default sample in the home.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files, byte for byte.")] = 7,
    companies: Annotated[int, typer.Option("--companies", min=1, help="How many companies.")] = 200,
    days: Annotated[int, typer.Option("--days", min=1, help="How many days of history.")] = 180,
    end: Annotated[str, typer.Option("--end", help="The last day, YYYY-MM-DD.")] = "2026-10-31",
    until: Annotated[
        str | None, typer.Option("--until", help="Write it as it stood on this earlier day of the same world.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="A flaw to add; may be given several times.")
    ] = None,
    home: Home = None,
) -> None:
    """Write the sample world: source files, their sources.yml, and the truth beside them."""
    from persona_warehouse.simulate import simulate as write_world

    with err.status("writing the sample world …"):
        folder = out_ or _settings(home).sample
        world = write_world(
            folder,
            seed=seed,
            companies=companies,
            days=days,
            end=_date(end),
            until=_date(until) if until else None,
            faults=tuple(fault or ()),
        )
    rows = sum(world.counts.values())
    out.print(f"{len(world.counts)} files, {rows:,} rows, up to {world.end}: {escape(str(world.out))}", soft_wrap=True)
    out.print(f"next: persona nightly --sources {escape(str(world.sources_file))} --date {world.end}", soft_wrap=True)


@releases_app.command("list")
def list_releases(home: Home = None) -> None:
    """All releases that are kept, the newest last; the current one is marked."""
    from persona_warehouse.publish import current_release, releases

    settings = _settings(home)
    current = current_release(settings)
    table = Table("", Column("release", no_wrap=True), "date", "tables", "rows", "audit", box=None, pad_edge=False)
    for release in releases(settings):
        manifest = release.manifest
        table.add_row(
            "→" if current and release.release_id == current.release_id else "",
            release.release_id,
            manifest["business_date"],
            str(len(manifest["tables"])),
            f"{sum(one['rows'] for one in manifest['tables'].values()):,}",
            _audit_words(manifest["audit"]),
        )
    out.print(table if table.row_count else "nothing has been published yet; run `persona nightly`")


@releases_app.command("show")
def show_release(
    release: Annotated[str | None, typer.Argument(help="An id or its beginning.")] = None, home: Home = None
) -> None:
    """One release: its streams, its audit, and rows and content hash of every table."""
    from persona_warehouse.publish import find_release

    found = find_release(_settings(home), release)
    manifest = found.manifest
    out.print(f"[bold]{found.release_id}[/]  night of {manifest['business_date']}, published {manifest['created_at']}")
    out.print(escape(str(found.path)), soft_wrap=True, style="dim")
    streams = Table("stream", "status", "last load", "data through", "landed", "quarantined", box=None, pad_edge=False)
    for name, one in manifest["streams"].items():
        cells = (
            one["last_load_date"] or "",
            one["data_through"] or "",
            f"{one['rows_landed']:,}",
            f"{one['rows_quarantined']:,}",
        )
        streams.add_row(name, one["status"], *cells)
    out.print(streams)
    out.print("audit: " + _audit_words(manifest["audit"]))
    tables = Table("table", "rows", "columns", Column("sha256 of the content", no_wrap=True), box=None, pad_edge=False)
    for name, one in manifest["tables"].items():
        tables.add_row(
            name, f"{one['rows']:,}", str(len(one["columns"])), one["sha256"] + (" *" if one["is_of_the_run"] else "")
        )
    out.print(tables, soft_wrap=True)
    out.print("* tells of the run and differs from run to run", style="dim")


@releases_app.command("verify")
def verify_release(
    release: Annotated[str | None, typer.Argument(help="An id or its beginning.")] = None, home: Home = None
) -> None:
    """Check every file of a release against its manifest."""
    from persona_warehouse.publish import find_release, verify

    found = find_release(_settings(home), release)
    with err.status("reading the files …"):
        wrong = verify(found)
    if wrong:
        raise PersonaError(
            f"release {found.release_id} is not as it was published",
            file=str(found.path),
            expected="the files and hashes of its manifest",
            found="; ".join(wrong[:10]),
            remedy="`persona releases rollback` to another one, or run the night again",
        )
    out.print(f"{found.release_id}: {len(found.manifest['files'])} files, all as published")


@releases_app.command("rollback")
def rollback_release(
    release: Annotated[
        str | None, typer.Argument(help="An id or its beginning; default the one before the current.")
    ] = None,
    home: Home = None,
) -> None:
    """Point `current` at another release, after checking its files. The undo is a rollback to the newer id."""
    from persona_warehouse.publish import current_release, rollback

    settings = _settings(home)
    before = current_release(settings)
    target = rollback(settings, release)
    _send_releases(settings)
    out.print(f"current is now {target.release_id} (night of {target.manifest['business_date']})")
    if before and before.release_id != target.release_id:
        out.print(f"undo: persona releases rollback {before.release_id}", style="dim")


def _send_releases(settings: Settings) -> None:
    if settings.objects:
        from persona_warehouse.object_store import send_releases

        send_releases(settings)


@releases_app.command("copy")
def copy_release(
    connection: Annotated[str, typer.Argument(help="An Airflow connection to a PostgreSQL, such as bi_postgres.")],
    release: Annotated[str | None, typer.Argument(help="An id or its beginning; default the current one.")] = None,
    home: Home = None,
) -> None:
    """Copy a release to PostgreSQL, into the schemas persona_marts and persona_quality, in one step for readers."""
    from persona_warehouse.mirror import mirror
    from persona_warehouse.publish import find_release

    found = find_release(_settings(home), release)
    with err.status("copying …"):
        said = mirror(found, connection)
    out.print(said)


@releases_app.command("prune")
def prune_releases(
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many of the newest to keep.")] = 7, home: Home = None
) -> None:
    """Remove all but the newest releases; the current one always stays."""
    from persona_warehouse.publish import prune

    settings = _settings(home)
    gone = prune(settings, keep)
    _send_releases(settings)
    out.print(f"removed {len(gone)}" + (f": {', '.join(gone)}" if gone else ""))


@app.command()
def report(
    home: Home = None, open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False
) -> None:
    """Where the current release's pages are."""
    from persona_warehouse.publish import find_release

    settings = _settings(home)
    find_release(settings, None)
    for name in ("report", "dictionary", "quality", "dbt_docs"):
        out.print(f"{name:<10} {escape(str(settings.current / name / 'index.html'))}", soft_wrap=True)
    if open_:
        webbrowser.open((settings.current / "report" / "index.html").as_uri())


@app.command()
def quality(
    home: Home = None,
    date_: Annotated[str | None, typer.Option("--date", help="The night; default the last one audited.")] = None,
) -> None:
    """The last audit: what failed, how bad, since when, where, who mends it, which marts it touches."""
    from persona_warehouse.quality.findings import blocks, findings
    from persona_warehouse.quality.results import audit_folder, read_results

    settings = _settings(home)
    nights = sorted(path.parent.name for path in settings.audits.glob("*/results.json"))
    if not nights:
        raise ConfigError("no audit has run yet", file=str(settings.audits), remedy="run `persona nightly`")
    settings = settings.with_date(_date(date_ or nights[-1]))
    results = read_results(settings)
    failed = [one for one in findings(settings, results) if not one.result.success]
    out.print(f"audit of {settings.business_date}: {len(results) - len(failed)} of {len(results)} expectations hold")
    for one in failed:
        result = one.result
        style = {"critical": "bold red", "warning": "yellow"}.get(result.severity, "dim")
        table = result.suite + (f".{result.column_name}" if result.column_name else "")
        out.print(
            f"\n[{style}]{result.severity}[/] [bold]{escape(table)}[/]: {escape(result.expectation)}", soft_wrap=True
        )
        share = "" if result.unexpected_share is None else f" ({result.unexpected_share:.1%})"
        told = {
            "rows": f"{result.unexpected_count:,} of {result.evaluated_count:,}{share}",
            "since": f"{one.since}, {one.nights} {'night' if one.nights == 1 else 'nights'}  {blocks(one.series)}",
            "where": ", ".join(one.places),
            "owner": result.owner,
            "marts": ", ".join(one.marts),
            "why": result.reason,
            "to do": one.to_do[1],
        }
        for name, said in told.items():
            if said:
                out.print(f"  [dim]{name:<6}[/] {escape(said)}", soft_wrap=True)
    out.print(escape(str(audit_folder(settings) / "quality" / "index.html")), soft_wrap=True, style="dim")
    if any(one.result.severity == "critical" for one in failed):
        raise typer.Exit(int(ExitCode.AUDIT_FAILED))


@app.command()
def doctor(home: Home = None, sources: Sources = None) -> None:
    """Check configuration, sources, disk, versions and state, and say what to mend."""
    from persona_warehouse.night.doctor import examine

    settings = _settings(home, sources)
    with err.status("looking …"):
        findings = examine(settings)
    table = Table(show_header=False, box=None, pad_edge=False)
    for one in findings:
        mark = {"ok": "[green]✓[/]", "note": "[yellow]![/]", "wrong": "[red]✗[/]"}[one.level]
        table.add_row(
            mark, one.subject, escape(one.found) + (f"\n[dim]→ {escape(one.remedy)}[/]" if one.remedy else "")
        )
    out.print(table)
    if any(one.level == "wrong" for one in findings):
        raise typer.Exit(int(ExitCode.WRONG_USE))


@app.command("wechat-receiver")
def wechat_receiver(
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; a proxy with TLS stands before it.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8081,
    connection: Annotated[str, typer.Option("--connection", help="Where token and key are.")] = "wechat_main",
    window: Annotated[int, typer.Option("--window", min=1, help="Seconds that a request may be old.")] = 300,
    rate: Annotated[int, typer.Option("--rate", min=0, help="Events a second at most; 0: no limit.")] = 2000,
    home: Home = None,
) -> None:
    """Receive the events that WeChat pushes, until it is stopped."""
    from persona_warehouse.sources import receiver

    settings = _settings(home)
    secrets = receiver.secrets_of(connection)
    err.print(f"receiving on http://{host}:{port}{receiver.PATH}; stop with Ctrl-C", style="dim", soft_wrap=True)
    receiver.serve(settings, secrets, host, port, window, rate)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def airflow(context: typer.Context) -> None:
    """Airflow with this home's environment: `persona airflow standalone`, `persona airflow dags list` …"""
    from persona_warehouse.night.embedded import airflow_environment, prepare

    settings = _settings(None)
    prepare(settings, settings.logs / "airflow.log")
    os.environ.update(airflow_environment(settings))
    os.execv(sys.executable, [sys.executable, "-m", "airflow", *context.args])  # noqa: S606 - becomes airflow


@app.command()
def migrate(home: Home = None) -> None:
    """Make or upgrade Airflow's database and its pools, before its services start."""
    from persona_warehouse.night.embedded import prepare

    settings = _settings(home)
    prepare(settings, settings.logs / "airflow.log", again=True)
    out.print("Airflow's database and its pools are ready")


@app.command()
def version() -> None:
    """Versions of this package and of what it stands on."""
    from importlib.metadata import version as of

    out.print(f"persona-warehouse {__version__}")
    for name in ("apache-airflow", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "dlt", "splink"):
        out.print(f"{name} {of(name)}", style="dim")


def _settings(home: Path | None, sources: Path | None = None, day: str | None = None) -> Settings:
    settings = load_settings(home, sources, day)
    os.environ.update(settings.environment())
    return settings


def _date(text: str) -> date:
    return load_settings(business_date=text).business_date


def _audit_words(audit: dict[str, Any]) -> str:
    failed = ", ".join(
        f"{audit[f'{name}_failed']} {name}" for name in ("critical", "warning", "info") if audit[f"{name}_failed"]
    )
    return f"{'passed' if audit['passed'] else 'failed'}, {audit['evaluated']} expectations" + (
        f", to look at: {failed}" if failed else ""
    )
