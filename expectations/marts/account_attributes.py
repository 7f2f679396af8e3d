"""Firmographics with their sources, as they leave."""

from __future__ import annotations

from dataclasses import replace

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """One value that counts, of those that may."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    value = {name: type_ for name, type_ in given.columns.items() if name == "value"}
    others = {name: type_ for name, type_ in given.columns.items() if name != "value"}
    return [
        *no_personal_data(replace(given, columns=others), crm_ids=("source_record",)),
        # a revenue of 13,912,345,678 is no mobile number
        *no_personal_data(replace(given, columns=value), crm_ids=("value",), crm_rows="value_number is not null"),
        rows(
            "an account has at most one selected value of an attribute",
            broken=(
                f"select account_id, attribute from {BATCH} where is_selected"
                " group by account_id, attribute having count(*) > 1"
            ),
            of=f"select distinct account_id, attribute from {BATCH}",
            **asked,
            reason="The mart accounts shows the selected value: of two it would show one by chance.",
            column="is_selected",
        ),
        condition(
            "a selected value is in time",
            where="is_selected",
            breaks="not is_in_time",
            **asked,
            reason="What the rules call too old, or a day to come, must not decide what an account is today.",
            column="is_in_time",
        ),
        condition(
            "confidence and agreement are within 0 to 1",
            breaks="confidence not between 0 and 1 or agreement not between 0 and 1 or isnan(agreement)",
            **asked,
            reason="Readers filter on these shares: a weight or a percentage in their place would pass any filter.",
            column="agreement",
        ),
        condition(
            "what is sensitive comes from an interview with consent",
            where="is_sensitive",
            breaks=(
                "source_type <> 'interview' or source_record not in"
                " (select interview_id from staging.stg_crm__interviews where has_consent)"
            ),
            **asked,
            reason="How somebody stands in their company is published only when they agreed to be asked.",
            column="is_sensitive",
        ),
        condition(
            "sources hardly contradict the selected values",
            where="is_in_time and source_type <> 'derived'",
            breaks="is_contradiction",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="Above one in five it is not care but records of different companies that were made one account.",
            at_most=given.bounds["attribute_contradictions_share_max"],
            min_rows=given.bounds["reject_rate_min_rows"],
            column="is_contradiction",
        ),
    ]
