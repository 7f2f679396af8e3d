"""What former nights' audits said: the memory by which this night is judged, and the pages' history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import literal, scratch

# (boundary, suite, expectation)
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Past:
    """How one expectation ended on one night; `observed` is None where no number was seen."""

    as_of_date: date
    success: bool
    unexpected_count: int
    observed: float | None


def past_results(settings: Settings, nights: int) -> dict[Key, list[Past]]:
    """Former results by expectation, oldest night first.

    Args:
        nights: how many days before the night's date are looked at; the night itself is not among them.
    """
    files = past_files(settings, nights, "results.json")
    if not files:
        return {}
    listed = ", ".join(literal(path) for path in files)
    with scratch() as connection:
        rows = connection.execute(
            f"""select r.boundary, r.suite, r.expectation,
                       list((as_of_date, r.success, r.unexpected_count, try_cast(r.observed_value as double))
                            order by as_of_date)
                from (select as_of_date, unnest(results) as r from read_json([{listed}], columns = {{
                    as_of_date: 'date', results: 'struct(boundary varchar, suite varchar, expectation varchar,
                    success boolean, unexpected_count bigint, observed_value varchar)[]'}},
                    maximum_object_size = 268435456))
                group by 1, 2, 3"""
        ).fetchall()
    return {(boundary, suite, fact): [Past(*one) for one in past] for boundary, suite, fact, past in rows}


def past_files(settings: Settings, nights: int, name: str) -> list[Path]:
    """A file of former nights' audit folders, oldest first."""
    first = settings.business_date - timedelta(days=nights)
    days = sorted(path for path in settings.audits.glob(f"*/{name}"))
    return [path for path in days if first.isoformat() <= path.parent.name < settings.business_date.isoformat()]
