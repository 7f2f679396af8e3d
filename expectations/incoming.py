"""What every staged object is asked, whichever stream brought it."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows

# one @, no blanks, a dot in the domain: enough to see that a column holds e-mail addresses and nothing else
EMAIL_SHAPE = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
CURRENCY_SHAPE = "^[A-Z]{3}$"


def rejected(given: Given, stream: str, name: str) -> list[Expectation]:
    """Reject rates of an object: of its newest load (critical) and of all that ever came (warning)."""
    quarantine = f"quarantine.{stream}__{name}"
    rate = given.reject_rate(stream, name)
    newest = (
        f"(select max(load_id) from (select max(load_id) as load_id from {BATCH}"
        f" union all select max(load_id) from {quarantine}))"
    )
    # one quarantined row has one entry per error; the place in the file tells rows apart
    fresh = f"select distinct source_file, source_row from {quarantine} where load_id = {newest}"
    ever = f"select distinct source_file, source_row from {quarantine}"
    return [
        rows(
            "few rows of the newest load are rejected",
            broken=fresh,
            of=f"select source_file, source_row from {BATCH} where load_id = {newest} union all ({fresh})",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason=(
                f"More than {rate.at_most:.0%} unreadable rows stop the night ({rate.reason})."
                f" Loads of under {rate.min_rows:.0f} rows are not judged."
            ),
            at_most=rate.at_most,
            min_rows=rate.min_rows,
        ),
        rows(
            "few of all rows ever received stand in quarantine",
            broken=f"{ever} /* beside {BATCH} */",
            of=f"select source_file, source_row from {BATCH} union all ({ever})",
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason=(
                "The newest load alone would hide an older bad one that nobody sent again. Only a warning: a full"
                " export that comes every night under a new name leaves its old rejects here, though they are mended."
            ),
            at_most=rate.at_most,
            min_rows=rate.min_rows,
        ),
    ]


def not_in_future(given: Given, column: str, owner: Owner = Owner.DATA_ENGINEERING) -> Expectation:
    """A timestamp that has happened by the end of the as-of date, give or take the tolerance."""
    days = given.bounds["future_tolerance_days"]
    return condition(
        f"{column} is not in the future",
        where=f"{column} is not null",
        breaks=f"{column} >= {given.after_day_end(days)}",
        severity=Severity.WARNING,
        owner=owner,
        reason=(
            f"The night takes data up to the end of its date; a grace of {days:g} day(s) covers clocks and time zones"
            " that are off. Later than that the date was typed wrong or read in the wrong format."
        ),
        column=column,
    )


def not_before(
    later: str, earlier: str, *, severity: Severity, owner: Owner, reason: str, at_most: float = 0.0
) -> Expectation:
    """Two columns whose order is that of time, where both are given."""
    return condition(
        f"{later} is not before {earlier}",
        where=f"{later} is not null and {earlier} is not null",
        breaks=f"{later} < {earlier}",
        severity=severity,
        owner=owner,
        reason=reason,
        at_most=at_most,
        column=later,
    )


def shaped(
    column: str, pattern: str, *, owner: Owner, reason: str, severity: Severity = Severity.INFO, at_most: float = 0.0
) -> Expectation:
    """A text column whose values, where given, match a regular expression (RE2)."""
    return condition(
        f"{column} has its usual shape",
        where=f"{column} is not null",
        breaks=f"not regexp_matches({column}, '{pattern}')",
        severity=severity,
        owner=owner,
        reason=reason,
        at_most=at_most,
        column=column,
    )


def known_words(column: str, seed: str, word: str, *, owner: Owner, reason: str, where: str = "true") -> Expectation:
    """A text column whose words, where given, stand in a seed; matched in lower case, several of them apart by `;`.

    Args:
        seed, word: the seed and its column of words.
        where: SQL condition over the seed.
    """
    said = f"select trim(unnest(string_split(lower({column}), ';'))) as word from {BATCH} where {column} is not null"
    known = f"select {word} from seeds.{seed} where {where}"
    return rows(
        f"the words of {column} are known",
        broken=f"select word from ({said}) where word not in ({known})",
        of=said,
        severity=Severity.WARNING,
        owner=owner,
        reason=f"{reason} The row is kept as it came: map the word in the sources file, or add it to the seed {seed}.",
        column=column,
    )


def recent(given: Given, column: str, days: float, *, owner: Owner, reason: str) -> Expectation:
    """The newest value of a date or timestamp column is at most some days older than the as-of date."""
    newest = f"select max({column}) as newest from {BATCH}"
    return rows(
        f"the newest {column} is recent",
        broken=f"select newest from ({newest}) where newest < {given.after_day_end(-days - 1)}",
        of=f"select newest from ({newest}) where newest is not null",
        severity=Severity.WARNING,
        owner=owner,
        reason=reason,
        column=column,
    )
