"""Open deals and the people who decide them: which part of the decision chain nobody fills yet."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import Column, Page, Section, named

PAGE = Page(
    "decisions",
    (
        Section(
            "coverage_of_roles",
            "marts.decision_chains",
            """select role_slot, count(distinct deal_id) as deals,
                count(distinct deal_id) filter (where is_covered) as covered,
                count(distinct deal_id) filter (where is_covered and is_recorded) as recorded,
                count(distinct deal_id) filter (where is_covered) / count(distinct deal_id) as covered_share,
                bool_or(is_required) as is_required
            from marts.decision_chains group by role_slot order by covered_share, role_slot""",
            (
                Column("role_slot", "label"), Column("is_required", "flag"),
                Column("covered_share", "share", n="deals"), Column("covered", "count"), Column("recorded", "count"),
            ),
            lambda rows, language: charts.bars(
                named(rows, "role_slot", language), "role_slot", "covered_share",
                str(language.t("headers.covered_share")), ".0%",
            ),
        ),
        Section(
            "uncovered_deals",
            "marts.decision_chains",
            """select a.account_name, c.deal_id, a.tier, count(*) filter (where c.is_required) as roles,
                count(*) filter (where c.is_required and c.is_covered) as covered_roles,
                any_value(c.uncovered_roles) as uncovered_roles, sum(c.candidate_count) as candidates
            from marts.decision_chains as c inner join marts.accounts as a using (account_id)
            group by a.account_name, c.deal_id, a.tier having any_value(c.uncovered_roles) <> ''
            order by covered_roles - roles, a.tier nulls last, a.account_name, c.deal_id""",
            (
                Column("account_name"), Column("deal_id"), Column("tier"), Column("covered_roles", "count"),
                Column("roles", "count"), Column("uncovered_roles", "list", group="values.role_slot"),
                Column("candidates", "count"),
            ),
        ),
    ),
)  # fmt: skip
