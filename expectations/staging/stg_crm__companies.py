"""Companies as the CRM delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import CURRENCY_SHAPE, not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, resolvable


def suite(given: Given) -> list[Expectation]:
    """Firmographics in a plausible range, parents and merges that lead somewhere."""
    sales = Asked(severity=Severity.WARNING, owner=Owner.SALES_OPERATIONS)
    return [
        *rejected(given, "crm", "companies"),
        not_in_future(given, "created_at", Owner.SALES_OPERATIONS),
        not_in_future(given, "updated_at"),
        between(
            "founded_year",
            given.bounds["founded_year_min"],
            given.as_of.year,
            **sales,
            reason="The oldest firms still trading are from the years of the lower bound; nobody is founded tomorrow.",
        ),
        between(
            "employee_count",
            0,
            given.bounds["employee_count_max"],
            **sales,
            reason="No employer on earth is larger: beyond it a phone number or a revenue was typed into the field.",
        ),
        between(
            "annual_revenue",
            0,
            None,
            **sales,
            reason="Revenue cannot be negative; a loss written into it would put the firm into the lowest band.",
        ),
        between(
            "total_funding",
            0,
            None,
            **sales,
            reason="Funding is a sum of rounds and cannot be negative.",
        ),
        resolvable(
            "parent_company_id",
            "staging.stg_crm__companies",
            "company_id",
            **sales,
            reason="A subsidiary whose parent is not among the companies drops out of its group's totals.",
        ),
        resolvable(
            "merged_into_id",
            "staging.stg_crm__companies",
            "company_id",
            **sales,
            reason="A merge into a company that was not delivered leaves the merged one's deals without an account.",
        ),
        shaped(
            "uscc",
            "^[0-9A-HJ-NPQRTUWXY]{18}$",
            owner=Owner.SALES_OPERATIONS,
            reason=(
                "A unified social credit code has 18 characters, digits and capitals without I, O, S, V, Z (GB 32100)."
                " Other texts match no company; foreign firms may hold a local number here, so it is for information."
            ),
        ),
        shaped(
            "domain",
            r"^[^\s/@]+\.[^\s/@]+$",
            owner=Owner.SALES_OPERATIONS,
            reason="A domain is a host name without scheme, path or mailbox; other texts cannot link a web visit.",
        ),
        shaped(
            "currency",
            CURRENCY_SHAPE,
            owner=Owner.SALES_OPERATIONS,
            severity=Severity.WARNING,
            reason="Three capitals (ISO 4217): money in any other currency text is not converted to CNY.",
        ),
    ]
