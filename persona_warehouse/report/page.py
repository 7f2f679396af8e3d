"""Turns the figures of a release into one HTML file."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from persona_warehouse.report.figures import DEAL_STAGES, MOST_OBJECTS, Figures, read_figures
from persona_warehouse.report.statistics import Share
from persona_warehouse.report.texts import LANGUAGES, Language
from persona_warehouse.warehouse import connect

FIRST_ROWS = 8  # of a long list; the rest waits behind "show all"
FIRST_COLUMNS = 30


def render_report(database: Path, manifest: Mapping[str, Any], out: Path) -> Path:
    """Writes `out`/index.html about a release and returns its path.

    The page needs nothing but itself: it opens from disk, without a network, and without JavaScript (then in Chinese).

    Args:
        database: release file with the schemas `marts` and `quality`; opened read-only.
        manifest: release_id, created_at (ISO, UTC), business_date, git_commit,
            streams {stream: {status, last_load_date, data_through, message}}, tables {name: {rows}},
            audit {passed, critical_failed, warning_failed, info_failed, evaluated}.
        out: folder, made if it is not there.

    Raises:
        PersonaError: the database cannot be opened or has another shape, or the manifest lacks a key.
    """
    with connect(database, read_only=True) as connection:
        figures = read_figures(connection, manifest)
    return _write(render_page(figures, {code: Language(code) for code in LANGUAGES}), out / "index.html")


def render_page(figures: Figures, languages: Mapping[str, Language]) -> str:
    """The page as text: one body per language; the style sheet shows the one that the `lang` attribute names."""
    environment = _environment()
    body = environment.get_template("body.html.j2")
    bodies = [
        (
            language,
            body.render(
                language=language,
                t=language.t,
                figures=figures,
                share_of=Share,
                no_data=partial(_no_data, language, figures),
                others=_others(language, figures),
                deal_stages=DEAL_STAGES,
                first_rows=FIRST_ROWS,
                first_columns=FIRST_COLUMNS,
                most_objects=MOST_OBJECTS,
            ),
        )
        for language in languages.values()
    ]
    style, script = _asset("style.css"), _asset("script.js")
    return environment.get_template("page.html.j2").render(
        bodies=bodies,
        figures=figures,
        style=style,
        script=script,
        style_hash=_content_hash(style),
        script_hash=_content_hash(script),
    )


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
