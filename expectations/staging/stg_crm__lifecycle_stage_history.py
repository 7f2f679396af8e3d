"""The history of lifecycle stages as it was delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import known_words, not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Stage entries of known records that have happened."""
    sales = Asked(severity=Severity.WARNING, owner=Owner.SALES_OPERATIONS)
    records = {"contact": "contacts", "lead": "leads", "company": "companies"}
    known = " union all ".join(
        f"select '{kind}' as record_type, {kind}_id as record_id from staging.stg_crm__{name}"
        for kind, name in records.items()
    )
    # a kind of record that was never delivered has nothing to resolve against
    judged = f"record_type in (select record_type from ({known}))"
    return [
        *rejected(given, "crm", "lifecycle_stage_history"),
        not_in_future(given, "entered_at", Owner.SALES_OPERATIONS),
        condition(
            "record_type is contact, lead or company",
            breaks=f"record_type not in ({', '.join(repr(kind) for kind in records)})",
            **sales,
            reason="Other records have no lifecycle here; another word for one of the three belongs under `values`.",
            column="record_type",
        ),
        condition(
            "record_id is a staged record of its type",
            where=judged,
            breaks=f"(record_type, record_id) not in (select record_type, record_id from ({known}))",
            **sales,
            reason="History of a record that was not delivered shows in no funnel; the two exports are filtered apart.",
            column="record_id",
        ),
        known_words(
            "stage",
            "lead_statuses",
            "source_status",
            owner=Owner.SALES_OPERATIONS,
            reason="A status that nobody mapped leaves the lead raw, and its conversion is not seen.",
        ),
    ]
