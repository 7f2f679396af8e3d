"""The warehouse dropped and built again from the landing zone and what is remembered, and compared with the release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date

from persona_warehouse import files, memory, publish, warehouse
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS
from persona_warehouse.night import warehouse_care
from persona_warehouse.night.runs import StepRun
from persona_warehouse.settings import Settings

BUILD = ("build_personas",)
Runner = Callable[[Settings], list[StepRun]]


@dataclass(frozen=True)
class Compared:
    """A table of the release before and of the new one; `word` is same, differs, new or gone."""

    table: str
    word: str
    rows_before: int | None
    rows_now: int | None


def night_alone(settings: Settings) -> AbstractContextManager[None]:
    """Keeps other nights, rebuilds and erasures of this home out.

    Raises:
        PersonaError: one is under way; says which process, since when.
    """
    return files.alone(
        settings.lock("night"),
        "another night, rebuild or erasure of this home is under way",
        "wait for it to end, then give the command again",
    )


def default_date(settings: Settings, given: str | None) -> Settings:
    """The settings with the date of the current release, where none is given."""
    current = publish.current_release(settings)
    if given or current is None:
        return settings
    return settings.with_date(date.fromisoformat(current.manifest["business_date"]))


def rebuild(settings: Settings, say: Callable[[str], None], run: Runner) -> list[StepRun]:
    """Builds anew; where that does not come to a release, the warehouse is put back as it was.

    Args:
        say: takes a line for people on what was found.
        run: runs the DAG build_personas and returns its steps.

    Raises:
        ConfigError: nothing has landed.
        PersonaError: a load or another rebuild is under way.
    """
    published = False
    with files.alone(settings.lock("rebuild"), "another rebuild is under way", "wait for it to end"):
        try:
            for line in _set_out(settings):
                say(line)
            steps = run(settings)
            published = is_published(steps)
            return steps
        finally:
            if published:
                warehouse_care.drop(settings, aside=True)
            else:
                warehouse_care.put_back(settings)


def _set_out(settings: Settings) -> Iterator[str]:
    """Sweeps the landing zone, remembers, and sets the warehouse aside; yields what was found, in words."""
    if not any(store.manifests(settings, stream) for stream in STREAMS):
        raise ConfigError(
            "there is nothing to build from",
            file=str(settings.landing),
            expected="loads in the landing zone",
            found="none",
            remedy="run `persona nightly`",
        )
    damaged = [f"{stream}/{path}" for stream in STREAMS for path in store.damaged_files(settings, stream)]
    if damaged:
        # what they brought is in the warehouse still, and would be lost with it
        raise PersonaError(
            "the landing zone is damaged; the warehouse was left alone",
            file=str(settings.landing),
            expected="every landed file with the hash of its manifest",
            found=f"{len(damaged)} files missing or changed: {', '.join(damaged[:3])}",
            remedy="restore them from a backup, then give the command again",
        )
    swept = 0
    for stream in STREAMS:
        with store.alone(settings, stream):
            swept += len(store.sweep(settings, stream))
    if swept:
        yield f"{swept} files of loads that never ended are swept away"
    if warehouse_care.is_before_rebuild(settings):
        warehouse_care.put_back(settings)
        yield "a rebuild was cut off before: the warehouse before it is taken"
    if settings.warehouse_file.exists():
        if warehouse_care.damage_on_opening(settings) or warehouse_care.damage_in_content(settings):
            yield "the warehouse is damaged: ids and history are those of the last release"
        else:
            with warehouse.connect(settings.warehouse_file, read_only=True) as connection:
                memory.remember(settings, connection)
        warehouse_care.set_aside(settings, warehouse_care.BEFORE_REBUILD)
    if not memory.is_there(settings):
        yield "nothing is remembered of former nights: ids and their history begin anew"


def is_published(steps: list[StepRun]) -> bool:
    """Whether the last step came to its end."""
    return any(step.task == "publish_release" and step.status == "done" for step in steps)


def compare(before: publish.Release | None, now: publish.Release) -> list[Compared]:
    """Table by table, those that tell of the run left out."""
    former = before.manifest["tables"] if before else {}
    found = []
    for name in sorted({*former, *now.manifest["tables"]}):
        was, is_ = former.get(name), now.manifest["tables"].get(name)
        if (was or is_)["is_of_the_run"]:
            continue
        word = (
            "new" if was is None else "gone" if is_ is None else "same" if was["sha256"] == is_["sha256"] else "differs"
        )
        found.append(Compared(name, word, was and was["rows"], is_ and is_["rows"]))
    return found
