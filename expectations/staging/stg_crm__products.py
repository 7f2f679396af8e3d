"""Products as the CRM delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import CURRENCY_SHAPE, rejected, shaped
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, between, rows


def suite(given: Given) -> list[Expectation]:
    """A price list in which every product stands once."""
    # case and blanks do not make another product
    spelling = "lower(regexp_replace(name, '\\s', '', 'g'))"
    return [
        *rejected(given, "crm", "products"),
        between(
            "list_price",
            0,
            None,
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="A price cannot be negative; discounts are a field of the deal.",
        ),
        rows(
            "a product stands once in the list",
            broken=f"select {spelling} from {BATCH} where name is not null group by 1 having count(*) > 1",
            of=f"select distinct {spelling} from {BATCH} where name is not null",
            severity=Severity.INFO,
            owner=Owner.SALES_OPERATIONS,
            reason="Two spellings of one name split the product's deals and its win rate.",
            column="name",
        ),
        shaped(
            "currency",
            CURRENCY_SHAPE,
            owner=Owner.SALES_OPERATIONS,
            severity=Severity.WARNING,
            reason="Three capitals (ISO 4217): a price in any other currency text cannot be compared with a deal.",
        ),
    ]
