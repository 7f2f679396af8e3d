"""The environment, read once into one frozen object.

Nothing else reads environment variables, but for secrets: these are fetched where they are used, so that they stand in
no object that is printed, pickled or handed on.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from persona_warehouse.errors import ConfigError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
CGROUP = Path("/sys/fs/cgroup/memory.max")
ENGINES = ("duckdb", "spark")


@dataclass(frozen=True)
class Settings:
    """Where a run reads and writes, and what it counts as today.

    Attributes:
        home: PERSONA_HOME, everything a run writes.
        sources_file: the sources.yml in force.
        business_date: the night's date in `timezone`; data up to its end is taken.
        timezone: the business time zone; local times in sources are read in it.
        keep_releases: how many releases publishing keeps, the newest first.
        force: sources are read and landed whole, as if nothing had been loaded before.
        erase_unfollowed: after a night, what WeChat told of people who left is erased.
        publish_restricted: each release has a second file with names, addresses and numbers, for its owner alone.
        publish_postgres: name of the connection to a PostgreSQL that each release is copied to; empty: none.
        pages_url: where the home's pages are served, for links in alarms; empty: links are paths of files.
        engine: what runs the models, duckdb or spark.
        objects: URL of an object store that landing and releases are kept in beside the home; empty: none.
    """

    home: Path
    sources_file: Path
    business_date: date
    timezone: str
    keep_releases: int
    force: bool = False
    erase_unfollowed: bool = False
    pages_url: str = ""
    publish_restricted: bool = False
    publish_postgres: str = ""
    engine: str = "duckdb"
    objects: str = ""

    @property
    def report_url(self) -> str:
        """Where people see the current release's report: PERSONA_REPORT_URL, else the folder itself."""
        return (os.environ.get("PERSONA_REPORT_URL") or (self.current / "report").as_uri()).rstrip("/")

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def warehouse_file(self) -> Path:
        return self.home / "warehouse" / "persona.duckdb"

    @property
    def releases(self) -> Path:
        return self.home / "releases"

    @property
    def current(self) -> Path:
        return self.home / "current"

    @property
    def audits(self) -> Path:
        """Audit reports of each night, kept whether or not it was published."""
        return self.home / "audits"

    @property
    def alarms(self) -> Path:
        """What people were told and have not yet mended."""
        return self.home / "alarms"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def sample(self) -> Path:
        return self.home / "sample"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def memory(self) -> Path:
        """What no source can tell again, beside the warehouse."""
        return self.home / "memory"

    def lock(self, name: str) -> Path:
        """The file of a lock (`files.alone`): `night`, `rebuild`, or a stream's."""
        return self.home / "locks" / f"{name}.lock"

    @property
    def dags(self) -> Path:
        return PROJECT_ROOT / "dags"

    @property
    def dbt_project(self) -> Path:
        return PROJECT_ROOT / "dbt_project"

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def with_date(self, business_date: date) -> Settings:
        return replace(self, business_date=business_date)

    def environment(self) -> dict[str, str]:
        """The environment variables that make a child process see these same settings; the date is the run's own."""
        return {
            "PERSONA_HOME": str(self.home),
            "PERSONA_SOURCES": str(self.sources_file),
            "PERSONA_TIMEZONE": self.timezone,
            "PERSONA_KEEP_RELEASES": str(self.keep_releases),
            "PERSONA_ERASE_UNFOLLOWED": "1" if self.erase_unfollowed else "",
            "PERSONA_PAGES_URL": self.pages_url,
            "PERSONA_PUBLISH_RESTRICTED": "1" if self.publish_restricted else "",
            "PERSONA_PUBLISH_POSTGRES": self.publish_postgres,
            "PERSONA_MEMORY_LIMIT": memory_limit(),
            "PERSONA_ENGINE": self.engine,
            "PERSONA_OBJECTS": self.objects,
        }


def load_settings(
    home: Path | str | None = None,
    sources: Path | str | None = None,
    business_date: date | str | None = None,
) -> Settings:
    """Settings from the arguments, then the environment (an empty variable counts as unset), then the defaults.

    Raises:
        ConfigError: a value cannot be read (a date that is none, an unknown time zone).
    """
    timezone = os.environ.get("PERSONA_TIMEZONE") or "Asia/Shanghai"
    try:
        zone = ZoneInfo(timezone)
    except Exception as error:
        raise ConfigError(
            "PERSONA_TIMEZONE is no time zone",
            expected="an IANA name such as Asia/Shanghai",
            found=timezone,
            remedy="unset PERSONA_TIMEZONE or correct it",
        ) from error
    root = Path(home or os.environ.get("PERSONA_HOME") or "var").expanduser().absolute()
    named = sources or os.environ.get("PERSONA_SOURCES")
    sources_file = Path(named).expanduser().absolute() if named else _default_sources(root)
    when = business_date or os.environ.get("PERSONA_DATE")
    # a night closes the day before it: what happened yesterday is complete, today is not
    day = _parse_date(when) if when else datetime.now(zone).date() - timedelta(days=1)
    keep = os.environ.get("PERSONA_KEEP_RELEASES") or "7"
    if not keep.isdecimal() or int(keep) < 1:
        raise ConfigError(
            "PERSONA_KEEP_RELEASES must be a whole number of at least 1",
            found=keep,
            remedy="unset PERSONA_KEEP_RELEASES (default 7) or correct it",
        )
    memory_limit()  # wrong at once, not in the middle of a night
    engine = os.environ.get("PERSONA_ENGINE") or "duckdb"
    if engine not in ENGINES:
        raise ConfigError(
            "PERSONA_ENGINE is no engine",
            expected=" or ".join(ENGINES),
            found=engine,
            remedy="unset PERSONA_ENGINE (default duckdb) or correct it",
        )
    return Settings(
        root,
        sources_file,
        day,
        timezone,
        int(keep),
        erase_unfollowed=_is_set("PERSONA_ERASE_UNFOLLOWED"),
        publish_restricted=_is_set("PERSONA_PUBLISH_RESTRICTED"),
        publish_postgres=os.environ.get("PERSONA_PUBLISH_POSTGRES") or "",
        pages_url=os.environ.get("PERSONA_PAGES_URL") or "",
        engine=engine,
        objects=(os.environ.get("PERSONA_OBJECTS") or "").rstrip("/"),
    )


def memory_limit() -> str:
    """What the engine may hold in memory before it spills to the disk, such as 4000MB: PERSONA_MEMORY_LIMIT, else six
    tenths of the memory that this process may use. It takes more, for what is not the engine's.

    Raises:
        ConfigError: the variable is no number of MB or GB.
    """
    given = os.environ.get("PERSONA_MEMORY_LIMIT")
    if not given:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        bound = CGROUP.read_text().strip() if CGROUP.exists() else "max"
        # a container is told the memory of its machine, and its own here
        return f"{6 * min(memory, int(bound) if bound.isdecimal() else memory) // 10_000_000}MB"
    if not re.fullmatch(r"[1-9][0-9]*(\.[0-9]+)?(MB|GB)", given):
        raise ConfigError(
            "PERSONA_MEMORY_LIMIT cannot be read",
            expected="a number of MB or GB, such as 8GB",
            found=given,
            remedy="unset PERSONA_MEMORY_LIMIT (default six tenths of the memory) or correct it",
        )
    return given


def _is_set(variable: str) -> bool:
    value = os.environ.get(variable) or ""
    if value not in ("", "0", "1"):
        raise ConfigError(
            f"{variable} must be 1 or 0", found=value, remedy=f"unset {variable} (default 0) or correct it"
        )
    return value == "1"


def _default_sources(home: Path) -> Path:
    own = Path("sources.yml").absolute()
    return own if own.exists() else home / "sample" / "sources.yml"


def _parse_date(value: date | str) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ConfigError(
            "the date of the night cannot be read",
            expected="YYYY-MM-DD, such as 2026-11-20",
            found=repr(value),
            remedy="give --date (or PERSONA_DATE) in that form",
        ) from error
