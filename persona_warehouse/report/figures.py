"""What the page says, read out of a release file. Queries stand here, words in words/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import duckdb

from persona_warehouse.errors import PersonaError
from persona_warehouse.report.release_tables import ReleaseTables
from persona_warehouse.report.statistics import Share

STREAMS = ("crm", "website", "wechat")
# a lead stage and the one it is measured against; won and lost are both ways out of an opportunity
FUNNEL = (
    ("raw", None),
    ("mql", "raw"),
    ("sql", "mql"),
    ("opportunity", "sql"),
    ("won", "opportunity"),
    ("lost", "opportunity"),
)
# a deal that no lead stands behind was never a lead: it counts in these stages only
DEAL_STAGES = frozenset({"opportunity", "won", "lost"})
WITHOUT_LEAD = "deal:"  # how the lead_id of such a deal begins
JOURNEY = ("need", "seek", "weigh", "decide", "use", "renew", "churn")
SEVERITIES = ("critical", "warning", "info")
# the page stays readable and light whatever a night brings; the quality report has the rest
MOST_ROWS = 50
MOST_OBJECTS = 24
MOST_COLUMNS = 40
LONGEST_TEXT = 200


_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Counts:
    """Totals of the release; sessions without bots unless named so."""

    accounts: int = 0
    accounts_won: int = 0
    contacts: int = 0
    contacts_linked: int = 0
    followers: int = 0
    followers_linked: int = 0
    sessions: int = 0
    sessions_known_contact: int = 0
    sessions_known_account: int = 0
    bot_sessions: int = 0
    deals: int = 0
    deals_linked: int = 0
    deals_open: int = 0
    deals_won: int = 0


@dataclass(frozen=True)
class FunnelStage:
    """One stage of the lead funnel. Reached = entered it or a later one; recorded = has a row of this very stage.

    Attributes:
        leads, leads_recorded: leads that reached it; those of them that it is recorded for.
        deals, deals_recorded: the same of deals that came from no lead; 0 before opportunity.
        conversion: share of the former stage that reached this one; None for the first. Up to opportunity among leads
            only, after it among all deals.
        current: leads and deals that are in it now.
    """

    stage: str
    former: str | None
    leads: int
    leads_recorded: int
    deals: int
    deals_recorded: int
    conversion: Share | None
    current: int

    @property
    def reached(self) -> int:
        return self.leads + self.deals

    @property
    def recorded(self) -> int:
        return self.leads_recorded + self.deals_recorded

    @property
    def implied(self) -> int:
        """Leads that only a later stage proves to have been here."""
        return self.leads - self.leads_recorded

    @property
    def of_deals(self) -> bool:
        """Whether the conversion is among deals instead of leads."""
        return self.former in DEAL_STAGES


@dataclass(frozen=True)
class Funnel:
    """Stages in order; `without_lead`: the opportunities that came from no lead; `raw_to_won`: among leads only."""

    stages: tuple[FunnelStage, ...]
    without_lead: Share
    raw_to_won: Share

    @property
    def is_empty(self) -> bool:
        return not any(stage.reached for stage in self.stages)


@dataclass(frozen=True)
class JourneyStage:
    """Accounts whose current stage this is, of all accounts; stage None: no stage known.

    `seen`: some account was in it once. A stage that nothing ever pointed to is unknown, which is not the same as 0 %.
    """

    stage: str | None
    accounts: Share
    seen: bool = True


@dataclass(frozen=True)
class Source:
    stream: str
    status: str
    last_load_date: date | None
    data_through: datetime | None
    rows_landed: int | None
    rows_quarantined: int | None
    message: str


@dataclass(frozen=True)
class FailedCheck:
    severity: str
    boundary: str
    suite: str
    expectation: str
    column: str
    unexpected: int | None
    evaluated: int | None
    observed: str
    reason: str
    owner: str

    @property
    def share(self) -> Share:
        return Share(min(self.unexpected or 0, self.evaluated or 0), self.evaluated or 0)


@dataclass(frozen=True)
class Severity:
    name: str
    passed: int | None
    failed: int


@dataclass(frozen=True)
class Audit:
    """Outcome of the night's checks; `failed` is cut to MOST_ROWS, `failed_count` is not."""

    passed: bool
    evaluated: int
    severities: tuple[Severity, ...]
    failed: tuple[FailedCheck, ...]
    failed_count: int

    @property
    def outcome(self) -> str:
        """passed, failed, or unchecked: nothing ran, which is no pass."""
        return "failed" if not self.passed else "passed" if self.evaluated else "unchecked"

    def failures(self, severity: str) -> int:
        return next((each.failed for each in self.severities if each.name == severity), 0)


@dataclass(frozen=True)
class Quarantined:
    stream: str
    object: str
    rule: str
    field: str
    expected: str
    rows: int
    file: str
    first_row: int | None


@dataclass(frozen=True)
class Quarantine:
    groups: tuple[Quarantined, ...]
    group_count: int
    rows: int


@dataclass(frozen=True)
class ColumnCoverage:
    name: str
    filled: Share

    @property
    def heat(self) -> str:
        """Step of the colour scale: 0 empty, 1 to 4 by quarter, 5 full; none when the share is suppressed."""
        value = self.filled.value
        if value is None:
            return "none"
        return "0" if value == 0 else "5" if value == 1 else str(1 + int(value * 4))


@dataclass(frozen=True)
class ObjectCoverage:
    stream: str
    object: str
    rows: int
    columns: tuple[ColumnCoverage, ...]
    column_count: int


@dataclass(frozen=True)
class Table:
    name: str
    rows: int | None


@dataclass(frozen=True)
class NewColumn:
    """A column that a source began to deliver and that nothing maps."""

    object: str
    name: str
    since: date | None


@dataclass(frozen=True)
class Figures:
    """Everything the page shows; `missing` names tables that the release should have and does not."""

    release_id: str
    created_at: datetime
    business_date: date
    git_commit: str
    counts: Counts
    funnel: Funnel
    journey: tuple[JourneyStage, ...]
    sources: tuple[Source, ...]
    audit: Audit
    quarantine: Quarantine
    coverage: tuple[ObjectCoverage, ...]
    new_columns: tuple[NewColumn, ...]
    tables: tuple[Table, ...]
    missing: tuple[str, ...]

    def status(self, stream: str) -> str:
        return next(source.status for source in self.sources if source.stream == stream)


def read_figures(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> Figures:
    """The figures of a release.

    Args:
        connection: the release file, read-only; schemas `marts` and `quality`.
        manifest: release_id, created_at (ISO, UTC), business_date, git_commit, streams, tables, audit.

    Raises:
        PersonaError: the manifest lacks a key, or a table lacks a column.
    """
    try:
        return _read(ReleaseTables(connection), manifest)
    except KeyError as error:
        raise PersonaError(
            "the report cannot be written: the manifest lacks a key",
            field=str(error.args[0]),
            expected="release_id, created_at, business_date, git_commit, streams, tables, audit",
            found=", ".join(sorted(manifest)),
            remedy="publish the release again",
        ) from error
    except duckdb.Error as error:
        raise PersonaError(
            "the report cannot be written: the release has another shape than expected",
            found=str(error).splitlines()[0],
            remedy="rebuild the marts with `persona nightly`",
        ) from error


def _read(release: ReleaseTables, manifest: Mapping[str, Any]) -> Figures:
    business_date = _stated(_as_date(manifest["business_date"]), "business_date")
    created_at = _stated(_as_moment(manifest["created_at"]), "created_at")
    coverage = _coverage(release)
    counts = _counts(release, coverage)
    return Figures(
        release_id=str(manifest["release_id"]),
        created_at=created_at,
        business_date=business_date,
        git_commit=str(manifest["git_commit"] or ""),
        counts=counts,
        funnel=_funnel(release),
        journey=_journey(release, counts.accounts),
        sources=_sources(release, manifest["streams"]),
        audit=_audit(release, manifest["audit"], business_date),
        quarantine=_quarantine(release),
        coverage=coverage,
        new_columns=_new_columns(release),
        tables=tuple(Table(name, table.get("rows")) for name, table in manifest["tables"].items()),
        missing=tuple(release.missing),
    )


def _counts(release: ReleaseTables, coverage: tuple[ObjectCoverage, ...]) -> Counts:
    found: dict[str, int] = {}
    for table, sql in (
        (
            "marts.accounts",
            """select count(*) as accounts, count_if(won_deal_count > 0) as accounts_won,
                      sum(deal_count) as deals_linked, sum(open_deal_count) as deals_open,
                      sum(won_deal_count) as deals_won
               from marts.accounts""",
        ),
        (
            "marts.contacts",
            """select count(*) as contacts, count(account_id) as contacts_linked,
                      count_if(is_follower) as followers,
                      count_if(is_follower and account_id is not null) as followers_linked
               from marts.contacts""",
        ),
        (
            "marts.sessions",
            """select count_if(is_bot) as bot_sessions, count(*) filter (where not is_bot) as sessions,
                      count(contact_id) filter (where not is_bot) as sessions_known_contact,
                      count(account_id) filter (where not is_bot) as sessions_known_account
               from marts.sessions
               where not is_own_traffic""",
        ),
    ):
        for row in release.rows(table, sql):
            found |= {name: int(value or 0) for name, value in row.items()}
    # accounts know only their own deals; the coverage of the object counts those without an account too
    landed = next((each.rows for each in coverage if (each.stream, each.object) == ("crm", "deals")), 0)
    return replace(Counts(**found), deals=max(landed, found.get("deals_linked", 0)))


def _funnel(release: ReleaseTables) -> Funnel:
    groups = release.rows(
        "marts.lead_stages",
        # leads with the same stages make one group: what a stage implies is then decided once a group, not once a lead
        f"""with subjects as (
                select coalesce(lead_id, '{WITHOUT_LEAD}' || coalesce(deal_id, lead_stage_id)) as subject,
                       list_sort(list(distinct stage)) as recorded,
                       list_sort(list(distinct stage) filter (where is_current)) as current
                from marts.lead_stages
                where list_contains({[stage for stage, _ in FUNNEL]}, stage)
                group by subject
            )
            select starts_with(subject, '{WITHOUT_LEAD}') as without_lead, recorded,
                   coalesce(current, []) as current, count(*) as subjects
            from subjects group by all""",
    )
    leads, leads_recorded, deals, deals_recorded, current = (Counter[str]() for _ in range(5))
    for group in groups:
        many, recorded, now = int(group["subjects"]), set(group["recorded"]), set(group["current"])
        reached = {passed for stage in recorded for passed in _path(stage)}
        if group["without_lead"]:
            reached, recorded, now = reached & DEAL_STAGES, recorded & DEAL_STAGES, now & DEAL_STAGES
        for counter, stages in (
            (deals if group["without_lead"] else leads, reached),
            (deals_recorded if group["without_lead"] else leads_recorded, recorded),
            (current, now),
        ):
            counter.update(dict.fromkeys(stages, many))
    both = leads + deals
    return Funnel(
        stages=tuple(
            FunnelStage(
                stage=stage,
                former=former,
                leads=leads[stage],
                leads_recorded=leads_recorded[stage],
                deals=deals[stage],
                deals_recorded=deals_recorded[stage],
                conversion=_among(both if former in DEAL_STAGES else leads, stage, former) if former else None,
                current=current[stage],
            )
            for stage, former in FUNNEL
        ),
        without_lead=Share(deals["opportunity"], both["opportunity"]),
        raw_to_won=_among(leads, "won", "raw"),
    )


def _path(stage: str | None) -> Iterator[str]:
    """The stage and all that lie before it: to be in it is to have reached these."""
    while stage:
        yield stage
        stage = dict(FUNNEL)[stage]


def _among(reached: Counter[str], stage: str, former: str) -> Share:
    return Share(reached[stage], reached[former])


def _journey(release: ReleaseTables, accounts: int) -> tuple[JourneyStage, ...]:
    rows = release.rows(
        "marts.journey_stages",
        """select stage, count(distinct account_id) filter (where is_current) as accounts
           from marts.journey_stages where stage is not null group by stage""",
    )
    found = {row["stage"]: int(row["accounts"]) for row in rows}
    known = sum(found.values())
    total = max(accounts, known)
    names = (*JOURNEY, *sorted(found.keys() - set(JOURNEY)))
    stages = [JourneyStage(stage, Share(found.get(stage, 0), total), stage in found) for stage in names]
    return (*stages, JourneyStage(None, Share(total - known, total)))


def _sources(release: ReleaseTables, streams: Mapping[str, Mapping[str, Any]]) -> tuple[Source, ...]:
    rows = {
        row["stream"]: row
        for row in release.rows(
            "quality.source_freshness",
            # microseconds since 1970 instead of a zoned timestamp, whose conversion needs pytz
            "select * exclude (data_through), epoch_us(data_through) as data_through from quality.source_freshness",
        )
    }
    names = [*STREAMS, *sorted((rows.keys() | streams.keys()) - set(STREAMS))]
    sources = []
    for name in names:
        row = rows.get(name) or streams.get(name) or {}
        sources.append(
            Source(
                stream=name,
                status=str(row.get("status") or "absent"),
                last_load_date=_as_date(row.get("last_load_date")),
                data_through=_as_moment(row.get("data_through")),
                rows_landed=row.get("rows_landed"),
                rows_quarantined=row.get("rows_quarantined"),
                message=_clip(row.get("message")),
            )
        )
    return tuple(sources)


def _audit(release: ReleaseTables, summary: Mapping[str, Any], business_date: date) -> Audit:
    table = "quality.validation_results"
    night: list[object] = [business_date]  # the table may keep the history of earlier nights
    tallies = {
        row["severity"]: row
        for row in release.rows(
            table,
            f"""select severity, count_if(success) as passed, count_if(success is not true) as failed
                from {table} where as_of_date = ? group by severity""",
            night,
        )
    }
    failed = release.rows(
        table,
        f"""select severity, boundary, suite, expectation, column_name, unexpected_count, evaluated_count,
                   observed_value, reason, owner
            from {table} where as_of_date = ? and success is not true
            order by list_position({list(SEVERITIES)}, severity) nulls last, unexpected_count desc nulls last,
                     boundary, suite, expectation, column_name
            limit {MOST_ROWS}""",
        night,
    )
    severities = []
    for name in (*SEVERITIES, *sorted(tallies.keys() - set(SEVERITIES))):
        # where table and manifest differ the worse one counts: a green page over bad data is the one thing not to show
        claimed, tally = int(summary.get(f"{name}_failed", 0)), tallies.get(name)
        severities.append(
            Severity(
                name=name,
                passed=int(tally["passed"]) if tally else 0 if tallies else None,
                failed=max(claimed, int(tally["failed"])) if tally else claimed,
            )
        )
    return Audit(
        passed=bool(summary["passed"]) and severities[0].failed == 0,
        evaluated=int(summary["evaluated"]),
        severities=tuple(severities),
        failed=tuple(
            FailedCheck(
                severity=row["severity"] or "",
                boundary=row["boundary"] or "",
                suite=_clip(row["suite"], 80),
                expectation=_clip(row["expectation"], 120),
                column=_clip(row["column_name"], 80),
                unexpected=row["unexpected_count"],
                evaluated=row["evaluated_count"],
                observed=_clip(row["observed_value"], 80),
                reason=_clip(row["reason"]),
                owner=_clip(row["owner"], 60),
            )
            for row in failed
        ),
        failed_count=sum(severity.failed for severity in severities),
    )


def _quarantine(release: ReleaseTables) -> Quarantine:
    rows = release.rows(
        "quality.quarantined_rows",
        """select stream, object, rule, field, min(expected) as expected, sum(row_count)::bigint as rows,
                  arg_min(source_file, (source_file, first_row)) as file,
                  arg_min(first_row, (source_file, first_row)) as first_row,
                  count(*) over () as groups, sum(sum(row_count)) over () as total
           from quality.quarantined_rows
           group by stream, object, rule, field
           order by rows desc, stream, object, rule, field"""
        f" limit {MOST_ROWS}",
    )
    return Quarantine(
        groups=tuple(
            Quarantined(
                stream=row["stream"] or "",
                object=row["object"] or "",
                rule=_clip(row["rule"], 60),
                field=_clip(row["field"], 60),
                expected=_clip(row["expected"], 120),
                rows=int(row["rows"]),
                file=_clip(row["file"], 80),
                first_row=row["first_row"],
            )
            for row in rows
        ),
        group_count=int(rows[0]["groups"]) if rows else 0,
        rows=int(rows[0]["total"]) if rows else 0,
    )


def _new_columns(release: ReleaseTables) -> tuple[NewColumn, ...]:
    """The newest first."""
    rows = release.rows(
        "quality.new_columns",
        "select object, column_name, since from quality.new_columns"
        f" order by since desc, stream, object, column_name limit {MOST_ROWS}",
    )
    return tuple(NewColumn(row["object"], _clip(row["column_name"], 60), row["since"]) for row in rows)


def _coverage(release: ReleaseTables) -> tuple[ObjectCoverage, ...]:
    """Objects by stream, those with rows first; in each the best filled columns first."""
    objects: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in release.rows(
        "marts.coverage",
        """select stream, object, column_name, coalesce(row_count, 0) as row_count,
                  coalesce(filled_count, 0) as filled_count
           from marts.coverage order by stream, object, filled_share desc nulls last, column_name""",
    ):
        objects.setdefault((row["stream"], row["object"]), []).append(row)
    found = [
        ObjectCoverage(
            stream=stream,
            object=name,
            rows=max(row["row_count"] for row in rows),
            columns=tuple(
                ColumnCoverage(_clip(row["column_name"], 60), Share(row["filled_count"], row["row_count"]))
                for row in rows[:MOST_COLUMNS]
            ),
            column_count=len(rows),
        )
        for (stream, name), rows in objects.items()
    ]
    order = {stream: index for index, stream in enumerate(STREAMS)}
    return tuple(sorted(found, key=lambda each: (each.rows == 0, order.get(each.stream, len(order)), each.object)))


def _stated(value: _Value | None, key: str) -> _Value:
    """A value of the manifest that may not be empty."""
    if value is None:
        raise KeyError(key)
    return value


def _as_date(value: object) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _as_moment(value: object) -> datetime | None:
    """From microseconds since 1970, ISO text or a datetime; without a zone it is UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1_000_000, UTC)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _clip(value: object, longest: int = LONGEST_TEXT) -> str:
    text = "" if value is None else str(value).strip()
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
