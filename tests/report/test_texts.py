"""The catalogue and the number formats."""

import re
from collections.abc import Callable
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from markupsafe import Markup

from persona_warehouse.report import checkups
from persona_warehouse.report.figures import read_figures
from persona_warehouse.report.page import ACCOUNTS, render_page
from persona_warehouse.report.pages import PAGES
from persona_warehouse.report.statistics import Share
from persona_warehouse.report.texts import LANGUAGES, Language, catalogue
from persona_warehouse.warehouse import connect

zh, en = Language("zh"), Language("en")


def test_every_text_stands_in_every_language() -> None:
    assert len(catalogue()) > 100
    for key, words in catalogue().items():
        assert set(words) == set(LANGUAGES), key
        assert all(text.strip() for text in words.values()), key


def test_both_languages_of_a_text_take_the_same_values() -> None:
    for key, words in catalogue().items():
        names = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in words.values()]
        assert names[0] == names[1], key


def test_every_text_is_used(
    build: Callable[..., Path],
    manifest: Callable[..., dict[str, Any]],
    invented: tuple[str, str],
    leads: Callable[..., str],
) -> None:
    languages = {code: Language(code) for code in LANGUAGES}
    none = {"passed": True, "critical_failed": 0, "warning_failed": 0, "info_failed": 0, "evaluated": 0}
    fresh = """insert into quality.source_freshness (stream, status)
               values ('crm', 'fresh'), ('website', 'fresh'), ('wechat', 'fresh')"""
    many_columns = (
        "insert into marts.coverage select 'crm', 'companies', 'column_' || i, 40, 40, 1 from range(70) r(i)",
        f"insert into marts.coverage select 'crm', unnest({_names('objects')}), 'name', 0, 0, null",
        """insert into quality.quarantined_rows
           select 'crm', 'deals', 'deals.csv', 'rule_' || i, 'stage', 'a stage', 1, i
           from range(70) r(i)""",
        f"""insert into quality.quarantined_rows
            select 'crm', 'deals', 'deals.csv', unnest({_names("rules")}), null, 'a stage', 1000, 1""",
        f"""insert into quality.validation_results by name
            select date '2026-11-20' as as_of_date, 'suite' as suite, 'marts' as boundary, 'info' as severity,
                   false as success, unnest({_names("owners")}) as owner""",
    )
    few = leads((3, ("raw", "opportunity")), (1, ("mql", "sql")))
    for statements, changes, without in (
        ((*invented, *many_columns), {}, ("marts.touchpoints",)),
        ((few,), {"audit": none | {"passed": False, "critical_failed": 1, "evaluated": 3}}, ("marts.accounts",)),
        (
            (fresh, leads((9, ("opportunity", "won")), prefix="deal:")),
            {"audit": none | {"evaluated": 3}, "tables": {}},
            (),
        ),
        ((fresh,), {"audit": none}, ()),
        ((), {"audit": none}, ()),
    ):
        database = build(*statements, without=without)
        with connect(database, read_only=True) as connection:
            render_page(read_figures(connection, manifest(**changes)), languages)
        database.unlink()
    # the words of the pages of sections are looked up by what their declarations name: the next test
    declared = {key for key in catalogue() if key.split(".")[0] in ("pages", "sections", "headers", "values")}
    for language in languages.values():
        # tests/report/test_checkups.py and test_dictionary.py
        elsewhere = {key for key in catalogue() if key.startswith(("checkups.", "dictionary."))}
        assert set(catalogue()) - declared - elsewhere - language.used <= OF_SECTIONS


# what only a section with rows says: tests/report/test_sections.py
OF_SECTIONS = {
    "axes.difference_of_shares", "axes.rate_of_tenth", "format.cut_rows", "format.of", "format.yes", "format.no",
    "format.empty", "format.source", "format.from_to",
}  # fmt: skip


def test_every_word_of_the_sections_is_declared() -> None:
    names = {key for key in catalogue() if key.startswith("pages.")}
    assert names == {"pages.title", "pages.index.name"} | {
        f"pages.{page}.{part}"
        for page in (*(page.name for page in PAGES), ACCOUNTS)
        for part in ("name", "title", "lead")
    }
    sections = [section for page in PAGES for section in page.sections]
    assert len({section.name for section in sections}) == len(sections)
    wanted = {f"sections.{section.name}.{part}" for section in sections for part in ("title", "lead")}
    told = {key for key in catalogue() if key.startswith("sections.")}
    assert wanted <= told <= wanted | {f"sections.{section.name}.note" for section in sections}
    columns = [column for section in sections for column in section.columns]
    columns += [*checkups.WHAT, *checkups.WHY, *checkups.HOW]
    assert {f"headers.{column.name}" for column in columns} == {
        key for key in catalogue() if key.startswith("headers.")
    }
    groups = {column.labels for column in columns if column.kind in ("label", "list")}
    assert {key.rpartition(".")[0] for key in catalogue() if key.startswith("values.")} <= groups


def _names(group: str) -> list[str]:
    return [key.partition(".")[2] for key in catalogue() if key.startswith(f"{group}.")]


def test_every_owner_of_an_expectation_has_a_name() -> None:
    # read, not imported: the package brings great expectations with it, which takes seconds
    owners = (Path(__file__).parents[2] / "expectations" / "owners.py").read_text(encoding="utf-8")
    assert set(_names("owners")) == set(re.findall(r'= "(\w+)"$', owners, re.M))


def test_no_words_stand_in_the_template() -> None:
    templates = Path(__file__).parents[2] / "persona_warehouse" / "report" / "templates"
    for template in sorted(templates.glob("*.j2")):
        text = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!doctype html>|<[^>]*>|&lt;", " ", template.read_text(), flags=re.S
        )
        assert not re.search(r"[A-Za-z\u4e00-\u9fff]{2,}", text), template.name


@pytest.mark.parametrize(
    ("number", "chinese", "english"),
    [
        (0, "0", "0"),
        (9999, "9,999", "9,999"),
        (10_000, "1万", "10,000"),
        (12_345, "1.23万", "12,345"),
        (12_350, "1.24万", "12,350"),
        (50_000_000, "5,000万", "50,000,000"),
        (99_999_999, "1亿", "99,999,999"),
        (123_456_789, "1.23亿", "123,456,789"),
    ],
)
def test_counts_are_written_as_each_language_counts(number: int, chinese: str, english: str) -> None:
    assert (zh.short(number), en.short(number)) == (chinese, english)


@pytest.mark.parametrize(
    ("part", "n", "words"),
    [
        (5, 8, "62.5%"),
        (0, 10, "0.0%"),
        (10, 10, "100.0%"),
        (1, 1_000_000, "<0.1%"),
        (999_999, 1_000_000, "99.9%"),
        (2, 4, "n < 5"),
        (0, 0, "—"),
    ],
)
def test_percentages_never_round_to_none_or_all(part: int, n: int, words: str) -> None:
    assert en.percent(Share(part, n)).unescape() == words


def test_values_are_escaped_and_unknown_ones_shown_as_they_are() -> None:
    assert en.t("quarantine.row", file="<b>", row=1) == Markup("&lt;b&gt;, row 1")
    assert en.label("statuses", "<new>") == Markup("&lt;new&gt;")
    assert en.described("marts.unheard_of") == "—"
