"""How an expectation of this project is written: what must hold, who mends it, and why the bound is what it is.

Nothing here ever fetches a row: an expectation asks the database for two counts, the rows it looked at and the rows
that break it. So no value of a row, and no personal data, can reach a result or a page.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Protocol, TypedDict

import great_expectations.expectations as gxe
from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity as Severity
from great_expectations.expectations.metrics.query_metrics.query_row_count.query_row_count import QueryRowCount

from expectations.owners import Owner

BATCH = "{batch}"
EVERY_ROW = f"select * from {BATCH}"

__all__ = ["BATCH", "EVERY_ROW", "Asked", "Given", "Severity", "between", "condition", "instant", "resolvable", "rows"]


class RejectRate(Protocol):
    """A tolerated share of rejected rows, judged from so many rows on, and why it is what it is."""

    @property
    def at_most(self) -> float: ...

    @property
    def min_rows(self) -> float: ...

    @property
    def reason(self) -> str: ...


class Asked(TypedDict):
    """How much it matters and who is asked, for several expectations of one suite."""

    severity: Severity
    owner: Owner


@dataclass(frozen=True)
class Given:
    """What a suite may depend on: a function of this and nothing else.

    Attributes:
        as_of: the business date of the night.
        day_end: the first instant after `as_of` in the business time zone, in UTC.
        bounds: the thresholds of `dbt_project/seeds/audit_thresholds.csv`, by name.
        columns: the audited table's columns and their SQL types.
        reject_rate: stream and object -> how many of its rows may be rejected, from the seed gates/reject_rates.csv.
    """

    as_of: date
    day_end: datetime
    bounds: Mapping[str, float]
    columns: Mapping[str, str]
    reject_rate: Callable[[str, str], RejectRate]

    def after_day_end(self, days: float = 0) -> str:
        """The end of the as-of date moved by some days, as a SQL literal."""
        return instant(self.day_end + timedelta(days=days))


class EvaluatedRowsCount(QueryRowCount):
    """How many rows a rule looked at."""

    metric_name = "evaluated_rows_query.row_count"
    value_keys = ("evaluated_rows_query",)
    query_param_name: ClassVar[str] = "evaluated_rows_query"


class ExpectRowsToKeepRule(gxe.UnexpectedRowsExpectation):
    """Expects that at most a given share of the evaluated rows breaks a rule.

    It differs from its parent in three ways: it knows how many rows were looked at, it tolerates a share, and it
    counts the rows in the database where the parent fetches them.

    Args:
        unexpected_rows_query: selects the rows that break the rule.
        evaluated_rows_query: selects the rows that the rule is about.
        at_most: the tolerated share of broken rows, 0 to 1.
        min_rows: with fewer evaluated rows the rule is not judged and passes.
        column: the column the rule is about, for the report.
    """

    evaluated_rows_query: str = EVERY_ROW
    at_most: float = pydantic.Field(default=0.0, ge=0, le=1)
    min_rows: int = 0
    column: str | None = None

    metric_dependencies: ClassVar[tuple[str, ...]] = (
        "unexpected_rows_query.row_count",
        "evaluated_rows_query.row_count",
    )
    success_keys: ClassVar[tuple[str, ...]] = ("unexpected_rows_query", "evaluated_rows_query", "at_most", "min_rows")

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        broken: int = metrics["unexpected_rows_query.row_count"]
        evaluated: int = metrics["evaluated_rows_query.row_count"]
        judged = evaluated >= self.min_rows
        # a broken row that is not among the evaluated ones (nothing evaluated) still breaks the rule
        share = broken / evaluated if evaluated else float(broken > 0)
        return {
            "success": not judged or share <= self.at_most,
            "result": {
                "observed_value": broken,
                "element_count": evaluated,
                "missing_count": 0,
                "unexpected_count": broken,
                "unexpected_percent": 100 * share,
            },
        }


def rows(
    fact: str,
    *,
    broken: str,
    of: str = EVERY_ROW,
    severity: Severity,
    owner: Owner,
    reason: str,
    at_most: float = 0.0,
    min_rows: float = 0,
    column: str | None = None,
) -> Expectation:
    """An expectation over two queries: the rows that break it and the rows it is about.

    Args:
        fact: what holds when all is well, a short sentence in lower case, unique in its suite.
        broken, of: SQL with `{batch}` for the audited table; other braces doubled.
        at_most: tolerated share of broken rows.
        min_rows: below so many evaluated rows the expectation passes unjudged.
        reason: why the bound is what it is.
    """
    return ExpectRowsToKeepRule(
        unexpected_rows_query=broken,
        evaluated_rows_query=of,
        at_most=at_most,
        min_rows=int(min_rows),
        column=column,
        severity=severity,
        description=_shown(fact, severity, owner, reason),
        meta={"fact": fact, "owner": str(owner), "reason": reason},
    )


def condition(
    fact: str,
    *,
    breaks: str,
    where: str = "true",
    severity: Severity,
    owner: Owner,
    reason: str,
    at_most: float = 0.0,
    min_rows: float = 0,
    column: str | None = None,
) -> Expectation:
    """An expectation over the audited table alone: of the rows `where`, none (or few) `breaks`; both SQL conditions."""
    about = f"select * from {BATCH} where ({_braced(where)})"
    return rows(
        fact,
        broken=f"{about} and ({_braced(breaks)})",
        of=about,
        severity=severity,
        owner=owner,
        reason=reason,
        at_most=at_most,
        min_rows=min_rows,
        column=column,
    )


def between(
    column: str,
    low: float,
    high: float | None,
    *,
    severity: Severity,
    owner: Owner,
    reason: str,
) -> Expectation:
    """A number column whose values, where given, lie between two bounds, both allowed; `high` None: no upper one."""
    fact = f"{column} is at least {_plain(low)}" + ("" if high is None else f" and at most {_plain(high)}")
    return gxe.ExpectColumnValuesToBeBetween(
        column=column,
        min_value=low,
        max_value=high,
        severity=severity,
        description=_shown(fact, severity, owner, reason),
        meta={"fact": fact, "owner": str(owner), "reason": reason},
    )


def resolvable(
    column: str,
    target: str,
    target_column: str,
    *,
    severity: Severity,
    owner: Owner,
    reason: str,
    at_most: float = 0.0,
    where: str = "true",
) -> Expectation:
    """A column whose values, where given, stand in another table (`schema.table`).

    An empty target means that the object was never delivered: then there is nothing to resolve against.
    """
    about = (
        f"select * from {BATCH} where ({_braced(where)}) and {column} is not null and exists (select 1 from {target})"
    )
    known = f"select {target_column} from {target} where {target_column} is not null"
    return rows(
        f"{column} stands in {target}",
        broken=f"{about} and {column} not in ({known})",
        of=about,
        severity=severity,
        owner=owner,
        reason=reason,
        at_most=at_most,
        column=column,
    )


def instant(moment: datetime) -> str:
    """A point in time as a SQL literal."""
    return f"timestamptz '{moment.isoformat()}'"


def _shown(fact: str, severity: Severity, owner: Owner, reason: str) -> str:
    """What the Data Docs say of an expectation: HTML, a line break between the fact and the rest."""
    return html.escape(f"{fact}\n{severity.value}, owner {owner}. {reason}", quote=False)


def _plain(number: float) -> str:
    return f"{number:f}".rstrip("0").rstrip(".")


def _braced(sql: str) -> str:
    # GX fills {batch} with str.format, which would read the braces of a regular expression as fields
    return sql.replace("{", "{{").replace("}", "}}")
