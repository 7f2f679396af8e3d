"""Check-ups: what, why and how of each account that somebody acts on, forty a page, and a page to find one by name.

The page to find one lists them all, so that it needs neither a network nor a server; its script only hides what does
not fit what was typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from persona_warehouse.report.release_tables import ReleaseTables
from persona_warehouse.report.sections import Column
from persona_warehouse.report.texts import NOTHING, Language

# of more accounts only those that matter most; the marts have them all
MOST = 5_000
A_PAGE = 40
FOLDER = "accounts"
TABLES = ("marts.accounts", "marts.account_health")
WHAT = (
    Column("industry_name"), Column("place"), Column("employee_count", "count"), Column("annual_revenue_cny", "money"),
    Column("persona", words={"zh": "persona_zh", "en": "persona_en"}), Column("probability", "share"),
    Column("fit_segment", "label"), Column("value_class", "label"),
    Column("customer_since", "day"), Column("won_revenue_cny", "money"), Column("open_deals", "count"),
    Column("contacts_known", "count"), Column("ltv_to_cac", "number"), Column("nps_score", "days", n="nps_responses"),
)  # fmt: skip
WHY = (
    Column("why", words={"zh": "risks_zh", "en": "risks_en"}),
    Column("strengths", words={"zh": "strengths_zh", "en": "strengths_en"}),
    Column("score_of_tier", words={"zh": "factors_zh", "en": "factors_en"}),
    Column("days_without_touch", "count"),
)  # fmt: skip
HOW = (
    Column("next_step", words={"zh": "next_action_zh", "en": "next_action_en"}),
    Column("action_owner", "label"),
    Column("uncovered_roles", "list", group="values.role_slot"),
)  # fmt: skip
ROWS = f"""
with listed as (
    select * from marts.accounts
    order by tier is null, array_position(['S', 'A', 'B'], tier), open_deal_count desc, icp_fit_score desc nulls last,
        last_touch_at desc nulls last, account_id
    limit {MOST}
),
paths as (
    select account_id, list(struct_pack(stage, entered_at, is_back_move) order by entered_at, stage_order) as path
    from marts.journey_stages group by account_id
),
ranked as (
    select account_id, factor, factor_name_zh, points,
        row_number() over (partition by account_id order by abs(points) desc, factor) as place
    from marts.account_score_ledger where is_known and points <> 0
),
factors as (
    select account_id,
        string_agg(concat(factor_name_zh, ' ', printf('%+.1f', points)), '、' order by place) as factors_zh,
        string_agg(concat(replace(factor, '_', ' '), ' ', printf('%+.1f', points)), ', ' order by place) as factors_en
    from ranked where place <= 4 group by account_id
),
roles as (
    select account_id, string_agg(distinct trim(role), ',' order by trim(role)) as uncovered_roles
    from (
        select account_id, unnest(string_split(uncovered_roles, ',')) as role
        from marts.decision_chains where uncovered_roles <> ''
    ) group by account_id
)
select a.account_id, a.account_name, a.short_name, a.tier, a.journey_stage, a.industry_name,
    nullif(concat_ws(' ', a.province, nullif(a.city, a.province)), '') as place, a.employee_count,
    a.annual_revenue_cny, p.name_zh as persona_zh, p.name_en as persona_en,
    case when a.won_deal_count = 0 then f.probability end as probability,
    a.icp_fit_segment as fit_segment, a.value_class, a.customer_since,
    case when a.won_deal_count > 0 then a.won_revenue_cny end as won_revenue_cny, a.open_deal_count as open_deals,
    a.contact_count as contacts_known, a.ltv_to_cac, a.nps_score, nullif(a.nps_responses, 0) as nps_responses,
    h.health, h.risks_zh, h.risks_en, h.strengths_zh, h.strengths_en, h.next_action_zh, h.next_action_en,
    h.action_owner, h.days_without_touch, s.factors_zh, s.factors_en, r.uncovered_roles, j.path
from listed as a
left join marts.account_health as h using (account_id)
left join marts.icp_personas as p on p.persona_id = a.icp_persona_id
left join marts.icp_fit_scores as f using (account_id)
left join factors as s using (account_id)
left join roles as r using (account_id)
left join paths as j using (account_id)
order by a.account_name, a.account_id
"""


@dataclass(frozen=True)
class CheckUp:
    """An account and the page that it stands on, a number from 1."""

    row: dict[str, Any]
    page: int

    @property
    def file(self) -> str:
        return f"{FOLDER}/{self.page:03}.html"

    def address(self, language: Language) -> str:
        return f"{self.file}#{language.code}-{self.row['account_id']}"

    @property
    def called(self) -> str:
        """What it may be looked for by, in lower case."""
        return " ".join(str(self.row[name] or "") for name in ("account_name", "short_name", "industry_name")).lower()

    def part(self, columns: tuple[Column, ...], language: Language) -> list[tuple[Markup, Markup]]:
        """Heading and value of what is known."""
        cells = [(language.t(f"headers.{column.name}"), column.cell(self.row, language)) for column in columns]
        return [(head, cell) for head, cell in cells if cell != NOTHING]

    def path(self, language: Language) -> list[Markup]:
        """The stages in the order they were entered, each with its day."""
        return [
            language.t(
                "checkups.back_to" if one["is_back_move"] else "checkups.entered",
                stage=language.label("journey_stages", one["stage"]),
                day=language.day(one["entered_at"].date()),
            )
            for one in self.row["path"] or []
            if one["entered_at"]
        ]


def check_ups(release: ReleaseTables) -> list[CheckUp]:
    """The check-ups of a release, by name."""
    return [CheckUp(row, at // A_PAGE + 1) for at, row in enumerate(release.rows("marts.accounts", ROWS))]


def pages(found: list[CheckUp]) -> Iterator[list[CheckUp]]:
    """The check-ups page by page."""
    for start in range(0, len(found), A_PAGE):
        yield found[start : start + A_PAGE]
