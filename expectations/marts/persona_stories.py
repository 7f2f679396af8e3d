"""Stories, as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition

NUMBER = r"[0-9]+(\.[0-9]+)?"


def _invented(language: str) -> str:
    """Numbers of a sentence, without those of its label, that are neither its metric's value nor its n."""
    told = f"replace(text_{language}, coalesce(nullif(label_{language}, ''), chr(1)), '')"
    numbers = f"regexp_extract_all({told}, '{NUMBER}')"
    return f"len(list_filter({numbers}, x -> x not in (cast(n as text), regexp_extract(value_shown, '{NUMBER}')))) > 0"


def suite(given: Given) -> list[Expectation]:
    """Nothing in a story that no metric says, and no name that could be taken for a person's."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "every number of a sentence is its metric's",
            breaks=f"{_invented('zh')} or {_invented('en')} or contains(text_zh, '{{') or contains(text_en, '{{')",
            **asked,
            reason="A story is believed sooner than a table: what stands in it must be measured.",
            column="text_zh",
        ),
        condition(
            "a fictional name says that it is",
            where="has_fictional_name",
            breaks="not contains(text_zh, '（虚构）') or not contains(text_en, '(fictional)')",
            **asked,
            reason="Nobody shall look for the person.",
            column="text_en",
        ),
    ]
