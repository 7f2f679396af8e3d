"""What every mart is asked before it leaves the house."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.owners import Owner
from expectations.rules import Given, Severity, condition

# an address in clear, also percent-encoded in a link; pictures named logo@2x.png are taken out before
EMAIL_IN_CLEAR = r"[A-Za-z0-9._+-]+(@|＠|%40)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
PICTURE_SCALE = r"@[0-9](\.[0-9])?x\."
# a mainland mobile number, with or without country code and separators. Letters and digits around it would make it a
# part of a key or a longer number, a dot before it the fraction of a decimal
MOBILE_IN_CLEAR = r"(^|[^0-9A-Za-z.]|[^0-9]\.)(\+?(00)?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}($|[^0-9A-Za-z])"


def no_personal_data(given: Given, crm_ids: tuple[str, ...] = (), crm_rows: str | None = None) -> list[Expectation]:
    """No text column holds an e-mail address or a mobile number in clear; one expectation per text column.

    Args:
        crm_ids: columns that carry the CRM's own ids in clear. Such an id may be a number of eleven digits, so there
            only e-mail addresses are looked for.
        crm_rows: SQL condition that narrows `crm_ids` to the rows where the id is the CRM's.
    """
    texts = [name for name, type_ in given.columns.items() if "VARCHAR" in type_ or "JSON" in type_]
    expectations = []
    for column in texts:
        text = f"cast({column} as varchar)"
        # looking for the sign first is five times as fast as the expression
        signed = " or ".join(f"contains({text}, '{sign}')" for sign in ("@", "＠", "%40"))
        email = f"({signed}) and regexp_matches(regexp_replace({text}, '{PICTURE_SCALE}', '', 'g'), '{EMAIL_IN_CLEAR}')"
        mobile = f"regexp_matches({text}, '{MOBILE_IN_CLEAR}')"
        if column in crm_ids:
            mobile = f"{mobile} and not coalesce({crm_rows or 'true'}, false)"
        expectations.append(
            condition(
                f"{column} holds no e-mail address or mobile number",
                where=f"{column} is not null",
                breaks=f"({email}) or ({mobile})",
                severity=Severity.CRITICAL,
                owner=Owner.DATA_ENGINEERING,
                reason=(
                    "Releases are copied, mailed and read by tools outside: one clear address or number in one row is"
                    " a leak that cannot be called back. Mask or hash it in the model."
                ),
                column=column,
            )
        )
    return expectations


def ordered(earlier: str, later: str) -> Expectation:
    """Of two timestamps of a row, where both are given, the later one is not before the earlier one."""
    return condition(
        f"{later} is not before {earlier}",
        where=f"{earlier} is not null and {later} is not null",
        breaks=f"{later} < {earlier}",
        severity=Severity.CRITICAL,
        owner=Owner.DATA_ENGINEERING,
        reason="The model orders these itself: a negative span is a fault in the model, and every duration is wrong.",
        column=later,
    )


def over_by_day_end(given: Given, column: str, severity: Severity) -> Expectation:
    """A timestamp before the end of the as-of date."""
    return condition(
        f"{column} is not after the as-of date",
        where=f"{column} is not null",
        breaks=f"{column} >= {given.after_day_end()}",
        severity=severity,
        owner=Owner.DATA_ENGINEERING,
        reason=(
            "A release says what was known at the end of its date. A later time comes from a source's wrong clock;"
            " shown as history it would be corrected in silence the night after."
        ),
        column=column,
    )
