"""How long things are kept, by the seed policies/retention.csv: older rows and files go, and are counted.

Ages are counted from the night's date, never from the clock. A landed file that held older rows is written anew; the
warehouse is built again afterwards, and what is remembered of former nights stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS, contract
from persona_warehouse.landing.rewriting import Hit, Rewriting, rewrite
from persona_warehouse.landing.store import LandedFile
from persona_warehouse.object_store import send_landing
from persona_warehouse.recognise.vocabulary import SEEDS, rows_of
from persona_warehouse.settings import Settings
from persona_warehouse.sources.receiver.segments import received_folder, whole_bytes
from persona_warehouse.warehouse import identifier, literal, scratch

SEED = "policies/retention"
FOLDERS = ("received", "logs", "airflow/logs", "audits", "runs")


@dataclass(frozen=True)
class Policy:
    """A line of the seed; `keep_days` None keeps for good.

    Attributes:
        name: stream.object, or a folder of the home.
        column: the timestamp by which a row is as old as it is.
    """

    kind: str
    name: str
    column: str
    keep_days: int | None
    reason: str


def policies() -> tuple[Policy, ...]:
    """The seed, checked.

    Raises:
        ConfigError: a line names an object, column or folder that does not exist, or no number of days.
    """
    return tuple(_policy(number, row) for number, row in enumerate(rows_of(SEED), 1))


def _policy(number: int, row: dict[str, str]) -> Policy:
    wrong = None
    days = row["keep_days"]
    if days and (not days.isdecimal() or int(days) < 1):
        wrong = ("keep_days", "a whole number of days, or nothing to keep for good", days)
    elif row["kind"] == "landing":
        stream, _, name = row["name"].partition(".")
        columns = contract(stream, name).columns if stream in STREAMS else {}
        if not columns:
            wrong = ("name", f"an object of {', '.join(STREAMS)}", row["name"])
        elif days and (row["column"] not in columns or columns[row["column"]].type != "timestamp"):
            wrong = ("column", "a timestamp of the object", row["column"] or "nothing")
    elif row["kind"] != "folder":
        wrong = ("kind", "landing or folder", row["kind"])
    elif row["name"] not in FOLDERS:
        wrong = ("name", ", ".join(FOLDERS), row["name"])
    if wrong:
        raise ConfigError(
            "a policy of retention cannot be read",
            file=str(SEEDS / f"{SEED}.csv"), row=number, field=wrong[0], expected=wrong[1], found=wrong[2],
            remedy="correct the line",
        )  # fmt: skip
    return Policy(row["kind"], row["name"], row["column"], int(days) if days else None, row["reason"])


def retain(settings: Settings, *, dry_run: bool = False) -> dict[str, int]:
    """Removes what is older than its policy lets it be.

    Args:
        settings: with the lock of the night held.
        dry_run: only count.

    Returns:
        policy -> rows or files, of those that had any. Where a `landing` one is among them, the warehouse is to be
        built again.
    """
    counts: dict[str, int] = {}
    for policy in policies():
        if policy.keep_days is None:
            continue
        since = settings.business_date - timedelta(days=policy.keep_days - 1)
        if policy.kind == "landing":
            counts[f"landing {policy.name}"] = _landed(settings, policy, since, dry_run)
        else:
            counts[f"folder {policy.name}"] = _files(settings, policy, since, dry_run)
    if settings.objects and not dry_run:
        send_landing(settings)
    return {name: number for name, number in counts.items() if number}


def _landed(settings: Settings, policy: Policy, since: date, dry_run: bool) -> int:
    stream, _, name = policy.name.partition(".")
    moment = datetime.combine(since, time.min, settings.zone).astimezone(UTC)
    # a row that does not say when stays: nobody can tell that it is old
    stays = f"coalesce({identifier(policy.column)} >= {literal(moment.isoformat())}::timestamptz, true)"
    with store.alone(settings, stream):
        if not dry_run:
            store.sweep(settings, stream)
        hits = _hits(settings, stream, name, stays)
        if hits and not dry_run:
            rewriting = Rewriting(
                f"retention-{since:%Y%m%d}", lambda connection: None,
                lambda _stream, _name, relation, _columns: f"select * from {relation} where {stays}",
            )  # fmt: skip
            rewrite(settings, rewriting, stream, hits)
    return sum(hit.gone for hit in hits)


def _hits(settings: Settings, stream: str, name: str, stays: str) -> list[Hit]:
    root = settings.landing / stream
    landed: dict[str, LandedFile] = {
        str(root / file.path): file
        for load in store.manifests(settings, stream)
        for file in load.files
        if file.object == name
    }
    if not landed:
        return []
    with scratch() as connection:
        rows = connection.execute(
            f"""select filename, count(*) from read_parquet([{", ".join(map(literal, landed))}], filename = true,
                    union_by_name = true, hive_partitioning = false)
                where not {stays} group by filename order by filename"""
        ).fetchall()
    return [Hit(stream, landed[path], gone, 0) for path, gone in rows]


def _files(settings: Settings, policy: Policy, since: date, dry_run: bool) -> int:
    """Files of a folder that were last written before a day; folders that are emptied by it go too."""
    folder = settings.home / policy.name
    old = [path for path in sorted(folder.rglob("*")) if path.is_file() and _written(settings, path) < since]
    if policy.name == "received":
        landed = {origin.origin for load in store.manifests(settings, "wechat") for origin in load.origins}
        # what has not landed is the only copy, and what is still written is no old file
        old = [
            path
            for path in old
            if path.parent == received_folder(settings)
            and path.relative_to(settings.home).as_posix() in landed
            and whole_bytes(path) == path.stat().st_size
        ]
    if not dry_run:
        for path in old:
            path.unlink()
        for path in sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True):
            if not any(path.iterdir()):
                path.rmdir()
    return len(old)


def _written(settings: Settings, path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, settings.zone).date()
