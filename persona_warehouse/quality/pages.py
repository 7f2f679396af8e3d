"""The pages of a night's audit: one for ops, in Chinese and English, and the Data Docs behind it, without a network.

The pages of Great Expectations link styles, scripts and pictures from five public hosts, and its index shows nothing
without them. So its renderer makes the content of a page, and the frame, the style and the index are ours.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, PackageLoader
from markupsafe import Markup

from persona_warehouse.files import read_json
from persona_warehouse.quality.findings import SEVERITIES, findings, sparkline
from persona_warehouse.quality.reconciliation import FILE as RECONCILIATION
from persona_warehouse.quality.results import BOUNDARIES, Result, audit_folder
from persona_warehouse.settings import Settings


class AuditPageView(DefaultJinjaPageView):
    """The page view of Great Expectations with our frame around its sections."""

    _template = "audit_page.j2"

    def __init__(self) -> None:
        super().__init__()
        theirs = self.env.loader
        assert theirs is not None  # noqa: S101  # set by the parent
        self.env.loader = ChoiceLoader([PackageLoader("persona_warehouse.quality", "templates"), theirs])
        # numbers only: it makes its own markup
        self.env.filters["sparkline"] = lambda series: Markup(sparkline(series))  # noqa: S704

    def render_index(self, **content: Any) -> str:
        return self.env.get_template("audit_index.j2").render(**content)


def build_docs(settings: Settings, results: list[Result]) -> Path:
    """Builds the pages of a night from what its audits left in its folder.

    Args:
        settings: of the night; its audit folder has validations/<boundary>.json of every boundary that was audited.
        results: the results of both boundaries.

    Returns:
        The folder with index.html and <boundary>/<table>.html; it replaces the pages of an earlier build.
    """
    folder = audit_folder(settings)
    target, work = folder / "quality", folder / ".quality.tmp"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    view, renderer, schema = AuditPageView(), ValidationResultsPageRenderer(), ExpectationSuiteValidationResultSchema()
    as_of = results[0].as_of_date.isoformat()
    found = findings(settings, results)
    boundaries = []
    for boundary in BOUNDARIES:
        stored = folder / "validations" / f"{boundary}.json"
        if not stored.exists():
            continue
        (work / boundary).mkdir()
        validations = read_json(stored)
        suites = []
        for suite in dict.fromkeys([*validations, *(one.suite for one in results if one.boundary == boundary)]):
            own = [one for one in found if (one.result.boundary, one.result.suite) == (boundary, suite)]
            document = renderer.render(schema.load(validations[suite])) if suite in validations else None
            page = (
                view.render(document, boundary=boundary, suite=suite, as_of=as_of, found=own)
                if document
                else view.env.get_template("audit_page.j2").render(
                    boundary=boundary, suite=suite, as_of=as_of, found=own, sections=[]
                )
            )
            (work / boundary / f"{suite}.html").write_text(page, encoding="utf-8")
            broken = Counter(one.result.severity for one in own if not one.result.success)
            suites.append(
                {"name": suite, "page": f"{boundary}/{suite}.html", "expectations": len(own), "broken": broken}
            )
        boundaries.append((boundary, suites))
    sums = folder / RECONCILIATION
    index = view.render_index(
        as_of=as_of,
        found=found,
        boundaries=boundaries,
        severities=SEVERITIES,
        sums=[one for one in read_json(sums) if one["landed_rows"] or one["unaccounted_rows"]] if sums.exists() else [],
    )
    (work / "index.html").write_text(index, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    work.rename(target)
    return target
