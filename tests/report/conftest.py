"""A release file made by SQL: the tables as published, with a few invented rows whose every total is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.report import render_report
from persona_warehouse.versions import changes
from persona_warehouse.warehouse import connect
from tests.contracts import mart_columns

TABLES = {f"marts.{name}": columns for name, columns in mart_columns().items()} | {
    "quality.validation_results": """as_of_date date, boundary text, suite text, expectation text, column_name text,
        severity text, success bool, evaluated_count bigint, unexpected_count bigint, unexpected_share double,
        observed_value text, reason text, owner text""",
    "quality.quarantined_rows": """stream text, object text, source_file text, rule text, field text, expected text,
        row_count bigint, first_row bigint""",
    "quality.new_columns": "stream text, object text, column_name text, since date",
    "quality.source_freshness": """stream text, status text, last_load_date date, data_through timestamptz,
        rows_landed bigint, rows_quarantined bigint, message text""",
    "quality.column_lineage": """table_name text, column_name text, origin_kind text, origin_table text,
        origin_column text, reason text""",
    **{f"quality.{name}": columns for name, columns in changes.TABLES.items()},
}
OBJECTS = {
    "crm": ("companies", "contacts", "leads", "deals", "deal_stage_history", "deal_contacts", "activities", "products"),
    "website": ("events",),
    "wechat": ("followers", "tags", "daily_follower_stats"),
}

# 40 accounts, 12,345 contacts (5,000 follow, 1,250 of these belong to an account), 320 human sessions (80 identified),
# 30 of our own and 100 of bots, 900 deals of which 800 belong to an account
ROWS = """
insert into marts.accounts by name
    select 'a' || i as account_id,
           case when i = 0 then '<script>alert(1)</script>' else '公司 ' || i end as account_name,
           20 as deal_count, 4 as open_deal_count, case when i < 30 then 8 else 0 end as won_deal_count
    from range(40) r(i);
insert into marts.contacts by name
    select 'c' || i as contact_id, case when i % 4 = 0 then 'a' || (i % 40) end as account_id, i < 5000 as is_follower
    from range(12345) r(i);
insert into marts.sessions by name
    select 's' || i as session_id, i >= 320 as is_bot, false as is_own_traffic,
           case when i < 80 or i >= 320 then 'c' || i end as contact_id,
           case when i < 120 then 'a' || (i % 40) end as account_id
    from range(420) r(i)
    union all by name
    select 'own' || i as session_id, false as is_bot, true as is_own_traffic, 'c1' as contact_id from range(30) r(i);
insert into marts.journey_stages by name
    select 'j' || i as journey_stage_id, 'a' || i as account_id, true as is_current,
           case when i < 16 then 'need' when i < 26 then 'weigh' else 'use' end as stage
    from range(36) r(i)
    union all
    select 'past' || i, 'a' || i, false, 'seek' from range(30) r(i);
insert into marts.coverage
    select 'crm', 'companies', name, 40, filled, filled / 40
    from (values ('name', 40), ('domain', 30), ('uscc', 10), ('city', 39), ('address', 0)) v(name, filled);
insert into marts.coverage values
    ('crm', 'deals', 'deal_id', 900, 900, 1), ('crm', 'deals', 'company_id', 900, 800, 800 / 900.0),
    ('crm', 'products', 'product_id', 3, 3, 1), ('website', 'events', 'event_id', 6000, 6000, 1),
    ('wechat', 'followers', 'openid', 5000, 5000, 1), ('wechat', 'followers', 'unionid', 5000, 4999, 0.9998),
    ('crm', 'leads', 'score', 0, 0, null), ('crm', 'contacts', 'contact_id', 12345, 12345, 1),
    ('crm', 'deal_stage_history', 'deal_id', 0, 0, null), ('crm', 'deal_contacts', 'deal_id', 0, 0, null),
    ('crm', 'activities', 'activity_id', 0, 0, null), ('wechat', 'tags', 'tag_id', 0, 0, null),
    ('wechat', 'daily_follower_stats', 'ref_date', 0, 0, null);
insert into quality.source_freshness values
    ('crm', 'fresh', '2026-11-20', '2026-11-20 10:30:00+00', 21044, 12, null),
    ('website', 'stale', '2026-11-18', '2026-11-18 15:59:00+00', 6000, 1, 'no file for <b>2026-11-20</b>'),
    ('wechat', 'failed', '2026-11-19', '2026-11-19 15:59:59+00', 5000, 0, 'errcode 40001: the secret is not valid');
insert into quality.validation_results by name
    select date '2026-11-20' as as_of_date, 'marts' as boundary, 'accounts' as suite,
           'expect_column_values_to_be_unique' as expectation, 'account_id' as column_name, 'critical' as severity,
           true as success, 40 as evaluated_count, 0 as unexpected_count, 'data engineering' as owner
    from range(20) r(i);
insert into quality.validation_results by name
    select date '2026-11-20' as as_of_date, 'staging' as boundary, 'crm_companies' as suite,
           'expect_column_values_to_be_in_set' as expectation, 'industry' as column_name, 'warning' as severity,
           false as success, 40 as evaluated_count, 7 as unexpected_count,
           '<img src=x onerror=alert(1)> sectors must be in the vocabulary' as reason, 'sales_operations' as owner;
insert into quality.validation_results by name
    select date '2026-11-20' as as_of_date, 'marts' as boundary, 'sessions' as suite,
           'expect_table_row_count_to_be_between' as expectation, 'info' as severity, false as success,
           '420' as observed_value, 'a quiet day has 500' as reason;
insert into quality.validation_results by name
    select date '2026-11-19' as as_of_date, 'yesterday' as suite, 'critical' as severity, false as success;
insert into quality.new_columns values
    ('crm', 'companies', 'region_code', '2026-11-19'), ('crm', 'deals', '<b>预算</b>', '2026-11-20');
insert into quality.quarantined_rows values
    ('website', 'events', 'access.log', 'malformed_line', null, 'combined log format', 1, 8900),
    ('crm', 'deals', 'deals-2.csv', 'not_a_date', 'closed_at', 'YYYY-MM-DD', 4, 17),
    ('crm', 'deals', 'deals-1.csv', 'not_a_date', 'closed_at', 'YYYY-MM-DD', 8, 1203);
"""

# leads by the stages that are recorded of them: how many, which; they are in the last of them now
LEADS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (120, ("raw",)),
    (40, ("raw", "mql")),
    (20, ("raw", "mql", "sql")),
    (10, ("raw", "mql", "sql", "opportunity", "won")),
    (6, ("raw", "mql", "sql", "opportunity", "lost")),
    (4, ("raw", "opportunity", "won")),  # MQL and SQL are implied
)
# the same of deals that came from no lead
DEALS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (5, ("opportunity",)),
    (3, ("opportunity", "won")),
    (2, ("won",)),  # the opportunity is implied
)


MARTS = (
    "accounts",
    "contacts",
    "contact_identities",
    "identity_changes",
    "sessions",
    "touchpoints",
    "journey_stages",
    "lead_stages",
    "coverage",
)
QUALITY = (
    "validation_results",
    "quarantined_rows",
    "new_columns",
    "source_freshness",
    "pipeline_runs",
    "dbt_results",
)
MANIFEST: dict[str, Any] = {
    "release_id": "20261120T190512Z-3f9c2a",
    "created_at": "2026-11-20T19:05:12Z",
    "business_date": "2026-11-20",
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
    "streams": {},
    "tables": {
        name: {"rows": 10 + index}
        for index, name in enumerate((*(f"marts.{name}" for name in MARTS), *(f"quality.{name}" for name in QUALITY)))
    },
    "audit": {"passed": True, "critical_failed": 0, "warning_failed": 1, "info_failed": 1, "evaluated": 22},
}
VOID = {"meta", "col", "br", "img", "link", "input", "hr"}


class Element:
    """A node of the parsed page, with just enough ways to find things in it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element | str] = []

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str | None = None, **attributes: str) -> list[Element]:
        """Elements with that tag and those attributes; `data_stage="raw"` asks for data-stage."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            each
            for each in self.walk()
            if tag in (None, each.tag) and all(each.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str | None = None, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} x {tag} {attributes}"
        return found[0]

    @property
    def text(self) -> str:
        words = "".join(child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(words.split())

    @property
    def cells(self) -> list[str]:
        """Texts of the cells of a row, its heading first."""
        return [each.text for each in self.all() if each.tag in ("th", "td")]

    @property
    def values(self) -> list[float]:
        """The machine readable numbers."""
        return [float(each.attributes["value"]) for each in self.all("data")]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def parse(html: str) -> Element:
    """HTML as elements; an element that is closed wrongly fails."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.root


@dataclass(frozen=True)
class Page:
    path: Path
    html: str
    root: Element

    def body(self, language: str = "en") -> Element:
        return self.root.one("div", data_language=language)

    def section(self, name: str, language: str = "en") -> Element:
        return self.root.one("section", id=f"{language}-{name}")


def lead_rows(*leads: tuple[int, tuple[str, ...]], prefix: str = "lead:") -> str:
    """SQL that fills marts.lead_stages: so many leads through these stages, and in the last of them now."""
    entries = [
        f"({group}, {order}, '{stage}', {order == len(stages) - 1}, {many})"
        for group, (many, stages) in enumerate(leads)
        for order, stage in enumerate(stages)
    ]
    return f"""
    insert into marts.lead_stages by name
        select concat('{prefix}', grp, '-', i, '-', ord) as lead_stage_id, concat('{prefix}', grp, '-', i) as lead_id,
               stage, is_current
        from (select *, unnest(range(many)) as i
              from (values {", ".join(entries)}) v(grp, ord, stage, is_current, many))"""


@pytest.fixture
def leads() -> Callable[..., str]:
    return lead_rows


@pytest.fixture
def invented() -> tuple[str, str]:
    """Statements that fill the tables with the invented world."""
    return ROWS, f"{lead_rows(*LEADS)};{lead_rows(*DEALS, prefix='deal:')}"


def build_release(path: Path, statements: tuple[str, ...], without: tuple[str, ...]) -> Path:
    with connect(path) as connection:
        connection.execute("create schema marts; create schema quality")
        for name, columns in TABLES.items():
            if name not in without:
                connection.execute(f"create table {name} ({columns})")
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """Makes a release file of the tables (all but those in `without`) and the statements given."""
    return lambda *statements, without=(): build_release(tmp_path / "persona_marts.duckdb", statements, without)


@pytest.fixture
def manifest() -> Callable[..., dict[str, Any]]:
    """The manifest of the invented release, with changes."""
    return lambda **changes: MANIFEST | changes


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Page]:
    """Builds a release, writes its page and parses it; keywords change the manifest. The same page is made once."""
    pages: dict[str, Page] = {}

    def render_release(*statements: str, without: tuple[str, ...] = (), **changes: Any) -> Page:
        wanted = repr((statements, without, changes))
        if wanted not in pages:
            folder = tmp_path_factory.mktemp("release")
            database = build_release(folder / "persona_marts.duckdb", statements, without)
            path = render_report(database, MANIFEST | changes, folder / "report")
            html = path.read_text(encoding="utf-8")
            pages[wanted] = Page(path, html, parse(html))
        return pages[wanted]

    return render_release
