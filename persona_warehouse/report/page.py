"""Turns a release into HTML files, each whole in itself."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from persona_warehouse.errors import PersonaError
from persona_warehouse.report import checkups, dictionary
from persona_warehouse.report.charts import draw
from persona_warehouse.report.figures import DEAL_STAGES, MOST_OBJECTS, MOST_ROWS, Figures, read_figures
from persona_warehouse.report.pages import PAGES
from persona_warehouse.report.release_tables import ReleaseTables
from persona_warehouse.report.sections import Filled, Page, fill
from persona_warehouse.report.statistics import Share
from persona_warehouse.report.texts import LANGUAGES, Language
from persona_warehouse.warehouse import connect, seal

FIRST_ROWS = 8  # of a long list; the rest waits behind "show all"
FIRST_COLUMNS = 30
ACCOUNTS = "accounts"
SITE = ("index", *(page.name for page in PAGES), ACCOUNTS)
DICTIONARY = "dictionary"


def render_report(database: Path, manifest: Mapping[str, Any], out: Path) -> Path:
    """Writes `out`/index.html, its sister pages and accounts/ about a release; returns the path of the index.

    A page needs nothing but itself: it opens from disk, without a network, and without JavaScript (then in Chinese).

    Args:
        database: release file with the schemas `marts` and `quality`; opened read-only.
        manifest: release_id, created_at (ISO, UTC), business_date, git_commit,
            streams {stream: {status, last_load_date, data_through, message}}, tables {name: {rows}},
            audit {passed, critical_failed, warning_failed, info_failed, evaluated}.
        out: folder, made if it is not there.

    Raises:
        PersonaError: the database cannot be opened or has another shape, or the manifest lacks a key.
    """
    languages = {code: Language(code) for code in LANGUAGES}
    with connect(database, read_only=True) as connection:
        seal(connection)
        figures = read_figures(connection, manifest)
        release = ReleaseTables(connection)
        pages = {page.name: _filled(release, page) for page in PAGES}
        found = _checked(release)
    for page in PAGES:
        _write(render_sections(page, pages[page.name], figures, languages), out / f"{page.name}.html")
    shared = {"parts": (("what", checkups.WHAT), ("why", checkups.WHY), ("how", checkups.HOW))}
    for some in checkups.pages(found):
        text = _named(
            "checkups.html.j2", "checkups.title", figures, languages, shared | {"check_ups": some}, base="../"
        )
        _write(text, out / some[0].file)
    listed = {"check_ups": found, "most": checkups.MOST, "tables": checkups.TABLES}
    _write(_named("accounts.html.j2", "pages.accounts.name", figures, languages, listed), out / f"{ACCOUNTS}.html")
    # last: whoever finds the index finds what it links to
    return _write(render_page(figures, languages), out / "index.html")


def render_dictionary(
    database: Path, manifest: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]], out: Path
) -> Path:
    """Writes `out`/index.html, the data dictionary of a release, beside the folder of its report; returns its path.

    Args:
        database: as for `render_report`.
        manifest: likewise.
        told: what the project says of each table, in Chinese and English (`transform.described_tables`).

    Raises:
        PersonaError: the database cannot be opened or has another shape.
    """
    languages = {code: Language(code) for code in LANGUAGES}
    with connect(database, read_only=True) as connection, _told(DICTIONARY):
        seal(connection)
        figures = read_figures(connection, manifest)
        found = dictionary.read_dictionary(ReleaseTables(connection), manifest, told)
    shared = {"dictionary": found, "few_origins": dictionary.FEW_ORIGINS}
    text = _named(
        "dictionary.html.j2", "dictionary.name", figures, languages, shared, base="../report/", also=DICTIONARY
    )
    return _write(text, out / "index.html")


def render_page(figures: Figures, languages: Mapping[str, Language]) -> str:
    """The index as text: one body per language; the style sheet shows the one that the `lang` attribute names."""
    bodies = {
        language: {
            "share_of": Share,
            "no_data": partial(_no_data, language, figures),
            "others": _others(language, figures),
            "deal_stages": DEAL_STAGES,
            "first_rows": FIRST_ROWS,
            "first_columns": FIRST_COLUMNS,
            "most_objects": MOST_OBJECTS,
        }
        for language in languages.values()
    }
    titles = {
        code: language.t("page.title", date=figures.business_date.isoformat()) for code, language in languages.items()
    }
    return _render("body.html.j2", figures, bodies, titles)


def render_sections(page: Page, sections: list[Filled], figures: Figures, languages: Mapping[str, Language]) -> str:
    """A page of sections as text, built as the index is."""
    shared = {"page": page, "sections": sections, "draw": draw, "most_rows": MOST_ROWS}
    return _named("sections.html.j2", f"pages.{page.name}.name", figures, languages, shared)


def _named(
    template: str,
    name: str,
    figures: Figures,
    languages: Mapping[str, Language],
    shared: Mapping[str, object],
    base: str = "",
    also: str | None = None,
) -> str:
    """A page with the same content in each language, titled by the text `name` and the day."""
    titles = {
        code: language.t("pages.title", name=language.t(name), date=figures.business_date.isoformat())
        for code, language in languages.items()
    }
    return _render(template, figures, dict.fromkeys(languages.values(), shared), titles, base, also)


def _render(
    template: str,
    figures: Figures,
    bodies: Mapping[Language, Mapping[str, object]],
    titles: Mapping[str, Markup],
    base: str = "",
    also: str | None = None,
) -> str:
    """A page; `base` leads from it to the folder of the report, `also` names a style and script of its own."""
    environment = _environment()
    body = environment.get_template(template)
    names = ("style.css", "script.js") if also is None else ("style.css", f"{also}.css", "script.js", f"{also}.js")
    style, script = ("".join(_asset(name) for name in names if name.endswith(kind)) for kind in (".css", ".js"))
    return environment.get_template("page.html.j2").render(
        bodies=[
            (
                language,
                body.render(language=language, t=language.t, figures=figures, site_pages=SITE, base=base, **values),
            )
            for language, values in bodies.items()
        ],
        titles=titles,
        style=style,
        script=script,
        style_hash=_content_hash(style),
        script_hash=_content_hash(script),
    )


def _filled(release: ReleaseTables, page: Page) -> list[Filled]:
    with _told(page.name):
        return fill(release, page)


def _checked(release: ReleaseTables) -> list[checkups.CheckUp]:
    with _told(ACCOUNTS):
        return checkups.check_ups(release)


@contextmanager
def _told(page: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise PersonaError(
            f"the page {page} of the report cannot be written: the release has another shape than expected",
            found=str(error).splitlines()[0],
            remedy="rebuild the marts with `persona nightly`",
        ) from error


def _no_data(language: Language, figures: Figures, streams: list[str]) -> Markup:
    """Why something that those streams feed is empty."""
    absent = [stream for stream in streams if figures.status(stream) == "absent"]
    names = language.join([language.label("streams", stream) for stream in absent or streams])
    return language.t("no_data.absent" if absent else "no_data.empty", streams=names)


def _others(language: Language, figures: Figures) -> list[Markup]:
    """The sources that are not fresh, each with its status."""
    return [
        language.t(
            "glance.source",
            stream=language.label("streams", source.stream),
            status=language.label("statuses", source.status),
        )
        for source in figures.sources
        if source.status != "fresh"
    ]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(str(__package__), "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _content_hash(text: str) -> str:
    """As a Content-Security-Policy wants it: only this very style and script may act in the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _write(text: str, path: Path) -> Path:
    # a reader finds the old page or the new one, never half of it
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
