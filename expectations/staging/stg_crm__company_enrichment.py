"""What others tell of companies, as it was delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Facts of a known company, told for a day that has come."""
    data = Asked(severity=Severity.WARNING, owner=Owner.DATA_ENGINEERING)
    return [
        *rejected(given, "crm", "company_enrichment"),
        condition(
            "a fact names its company",
            breaks="company_id is null and uscc is null and company_name is null",
            **data,
            reason="By id, credit code or name: a fact of nobody cannot be used, the column is not mapped.",
        ),
        resolvable(
            "company_id",
            "staging.stg_crm__companies",
            "company_id",
            **data,
            reason="A fact of an undelivered company describes no account; the provider was asked with another list.",
        ),
        not_in_future(given, "as_of"),
    ]
