"""The Data Docs of a night: what Great Expectations renders, in a frame that needs no network.

The pages of Great Expectations link styles, scripts and pictures from five public hosts, and its index shows nothing
without them. So its renderer makes the content of a page, and the frame, the style and the index are ours.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, PackageLoader

from persona_warehouse.files import read_json
from persona_warehouse.quality.results import BOUNDARIES, Result

SEVERITIES = ("critical", "warning", "info")


class AuditPageView(DefaultJinjaPageView):
    """The page view of Great Expectations with our frame around its sections."""

    _template = "audit_page.j2"

    def __init__(self) -> None:
        super().__init__()
        theirs = self.env.loader
        assert theirs is not None  # noqa: S101  # set by the parent
        self.env.loader = ChoiceLoader([PackageLoader("persona_warehouse.quality", "templates"), theirs])

    def render_index(self, **content: Any) -> str:
        return self.env.get_template("audit_index.j2").render(**content)


def build_docs(folder: Path, results: list[Result]) -> Path:
    """Builds the pages of a night from what its audits left in its folder.

    Args:
        folder: the night's audit folder, with validations/<boundary>.json of every boundary that was audited.
        results: the results of both boundaries.

    Returns:
        The folder with index.html and <boundary>/<table>.html; it replaces the pages of an earlier build.
    """
    target, work = folder / "quality", folder / ".quality.tmp"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    view, renderer, schema = AuditPageView(), ValidationResultsPageRenderer(), ExpectationSuiteValidationResultSchema()
    as_of = results[0].as_of_date.isoformat()
    boundaries = []
    for boundary in BOUNDARIES:
        stored = folder / "validations" / f"{boundary}.json"
        if not stored.exists():
            continue
        (work / boundary).mkdir()
        suites = []
        for suite, validation in read_json(stored).items():
            own = [result for result in results if (result.boundary, result.suite) == (boundary, suite)]
            document = renderer.render(schema.load(validation))
            page = view.render(document, boundary=boundary, suite=suite, as_of=as_of, results=own)
            (work / boundary / f"{suite}.html").write_text(page, encoding="utf-8")
            broken = Counter(result.severity for result in own if not result.success)
            suites.append(
                {"name": suite, "page": f"{boundary}/{suite}.html", "expectations": len(own), "broken": broken}
            )
        boundaries.append((boundary, suites))
    shown = [
        asdict(result)
        | {"page": f"{result.boundary}/{result.suite}.html", "severity_rank": SEVERITIES.index(result.severity)}
        for result in results
    ]
    index = view.render_index(as_of=as_of, results=shown, boundaries=boundaries)
    (work / "index.html").write_text(index, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    work.rename(target)
    return target
