"""The pages in a real browser: no error, no request, words and drawings that are there, an accessible structure."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from persona_warehouse.report import render_dictionary, render_report
from persona_warehouse.report.page import SITE
from tests.report.test_dictionary import LINEAGE, TOLD
from tests.report.test_sections import ROWS

DICTIONARY = "../dictionary/index"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine: `make browser` installs it where apt may"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # the pages are our own files; a container's root has no sandbox to offer
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(
    browser: Browser, build: Callable[..., Path], manifest: Callable[..., dict[str, Any]], tmp_path: Path
) -> Iterator[Callable[[str], tuple[Page, list[str]]]]:
    """Opens a page of a release; beside it what the browser complained of, and what it asked the world for."""
    folder = tmp_path / "report"
    database = build(ROWS, LINEAGE)
    render_report(database, manifest(), folder)
    render_dictionary(database, manifest(), TOLD, tmp_path / "dictionary")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")

    def open_page(name: str) -> tuple[Page, list[str]]:
        page, complaints = context.new_page(), []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append("a dialog opened"))
        page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith("file:") else None)
        page.goto(f"file://{folder / name}")
        return page, complaints

    yield open_page
    context.close()


@pytest.mark.parametrize("name", [*SITE, DICTIONARY])
def test_a_page_opens_in_both_languages_without_a_complaint(
    opened: Callable[[str], tuple[Page, list[str]]], name: str
) -> None:
    page, complaints = opened(f"{name}.html")
    chinese = page.locator("h1:visible").inner_text()
    page.get_by_role("button", name="English").click()
    english = page.locator("h1:visible").inner_text()
    assert chinese != english
    assert page.evaluate("document.documentElement.lang") == "en"
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in english)
    assert complaints == []


def test_the_language_goes_along_from_page_to_page(opened: Callable[[str], tuple[Page, list[str]]]) -> None:
    page, complaints = opened("index.html#en")
    for name in SITE[1:]:
        page.locator(f'nav.site:visible a[href="{name}.html#en"]').click()
        page.wait_for_url(f"**/{name}.html#en")
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.locator('nav.site:visible a[aria-current="page"]').count() == 1
    assert complaints == []


def test_drawings_have_marks_and_fit_their_place(opened: Callable[[str], tuple[Page, list[str]]]) -> None:
    page, _ = opened("customers.html#en")
    drawings = page.locator("svg.drawing:visible")
    assert drawings.count() == 4
    for drawing in drawings.all():
        assert drawing.locator("path, rect, line").count() > 3
        box = drawing.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1280
    bar = page.locator("#en-tiers svg .mark-rect path").first
    # the style sheet's colour reaches the drawing
    assert bar.evaluate("each => getComputedStyle(each).fill") == "rgb(28, 93, 153)"


def test_a_narrow_screen_shows_no_page_wider_than_itself(opened: Callable[[str], tuple[Page, list[str]]]) -> None:
    for name in (*SITE, "accounts/001", DICTIONARY):
        page, _ = opened(f"{name}.html")
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_an_account_is_found_by_what_is_typed(opened: Callable[[str], tuple[Page, list[str]]]) -> None:
    page, complaints = opened("accounts.html#en")
    items = page.locator("ul.found li:visible")
    everybody = items.count()
    page.locator("input[data-find]:visible").fill("公司 59")
    assert items.count() == 1 < everybody
    assert page.locator("output:visible").inner_text() == "1 found"
    items.locator("a").click()
    page.wait_for_url("**/accounts/*.html#en-a59")
    assert page.locator("#en-a59 h2").inner_text() == "公司 59"
    page.locator('nav.site:visible a[aria-current="page"]').click()
    page.wait_for_url("**/accounts.html#en")
    page.locator("input[data-find]:visible").fill("nobody at all")
    assert items.count() == 0
    page.locator("input[data-find]:visible").fill("")
    assert items.count() == everybody
    assert complaints == []


def test_a_column_is_found_by_its_name_and_by_its_meaning_in_either_language(
    opened: Callable[[str], tuple[Page, list[str]]],
) -> None:
    page, complaints = opened("index.html#en")
    page.locator("nav.site:visible").get_by_role("link", name="Data dictionary").click()
    page.wait_for_url("**/dictionary/index.html#en")
    page.keyboard.press("/")
    field, hits = page.locator("input[data-look]:visible"), page.locator(".hits:visible a")
    assert field.evaluate("each => each === document.activeElement")
    page.keyboard.type("tier")
    # the column that is called so stands before those that are called likewise
    assert hits.first.inner_text().split("\n")[:2] == ["tier", "marts.accounts"]
    assert hits.count() > 3
    for typed in ("行业", "its trade", "accounts industry_code", "accounts.industry_code"):
        field.fill(typed)
        assert hits.first.locator("code").first.inner_text() == "industry_code", typed
    field.fill("nothing is called so")
    assert hits.count() == 0
    assert page.locator("output:visible").inner_text() == "0 found"
    assert complaints == []


def test_what_was_found_opens_by_keyboard_and_stays_in_the_other_language(
    opened: Callable[[str], tuple[Page, list[str]]],
) -> None:
    page, complaints = opened(f"{DICTIONARY}.html#en")
    row = page.locator('[id="en-marts.accounts.account_name"]')
    assert not row.is_visible()
    page.locator("input[data-look]:visible").fill("account_name")
    page.keyboard.press("ArrowDown")
    assert page.locator(".hits:visible a").first.evaluate("each => each === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**#en-marts.accounts.account_name")
    assert row.is_visible()
    box = row.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 900
    assert row.evaluate("each => each === document.activeElement")
    page.goto(page.url.replace("#en-", "#zh-"))
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.locator('[id="zh-marts.accounts.account_name"]').is_visible()
    # what stands in the data and texts is text
    assert page.locator("img").count() == 0
    assert complaints == []


def test_paper_has_every_column(opened: Callable[[str], tuple[Page, list[str]]]) -> None:
    page, _ = opened(f"{DICTIONARY}.html#en")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    rows = page.locator("[data-language=en] table.dictionary tbody tr")
    assert rows.count() == page.locator("[data-language=en] table.dictionary tbody tr:visible").count() > 900
    assert page.locator("nav:visible, .find:visible").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_by_axe(opened: Callable[[str], tuple[Page, list[str]]], scheme: Any) -> None:
    for name in (*SITE, "accounts/001", DICTIONARY):
        page, _ = opened(f"{name}.html#en")
        page.evaluate("document.querySelectorAll('[data-language=en] details').forEach(each => each.open = true)")
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        serious = [
            (each["id"], [node["html"][:120] for node in each["nodes"][:3]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], name
