"""One stream into the landing zone: every connector of the sources file, one new immutable load."""

from __future__ import annotations

import importlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from persona_warehouse.errors import PersonaError, SourceFault
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.store import Manifest, Origin
from persona_warehouse.landing.suppression import Suppressor
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import read_sources

TOLD_COLUMNS = 5
LAYOUT = "{table_name}/load_date={YYYY}-{MM}-{DD}/{load_id}.{file_id}.{ext}"


@dataclass(frozen=True)
class LoadResult:
    """What a load did.

    Attributes:
        status: loaded, unchanged (nothing new to land) or absent (the stream has no source).
        new_columns: object.column, of columns that no mapping takes and no earlier load brought.
        suppressed: rows left out because they are of people who were erased.
    """

    stream: str
    status: str
    rows: int = 0
    rows_in_error: int = 0
    load_id: str | None = None
    new_columns: tuple[str, ...] = ()
    suppressed: int = 0

    def __str__(self) -> str:
        if self.status == "absent":
            return "no source configured"
        if self.status == "unchanged":
            return "nothing new"
        said = f"{self.rows:,} rows" + (f", {self.rows_in_error:,} to quarantine" if self.rows_in_error else "")
        said += f", {self.suppressed:,} suppressed" if self.suppressed else ""
        more = len(self.new_columns) - TOLD_COLUMNS
        told = [*self.new_columns[:TOLD_COLUMNS], *([f"{more:,} more"] if more > 0 else [])]
        return said + (f", new columns {', '.join(told)}" if told else "")


def window_of(settings: Settings) -> Window:
    """The business date as a UTC interval."""
    start = datetime.combine(settings.business_date, datetime.min.time(), settings.zone)
    return Window(start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC))


def load_stream(settings: Settings, stream: str, *, force: bool = False) -> LoadResult:
    """Lands whatever is new in a stream, all of it or nothing.

    Args:
        force: read and land everything again, as if nothing had been loaded before.

    Raises:
        ConfigError: the sources file, a path, a column or an encoding is wrong.
        SourceFault: a source could not be read; what was landed before stays as it was.
        PersonaError: another load of this stream is under way.
    """
    with store.alone(settings, stream):
        return _load(replace(settings, force=force or settings.force), stream)


def _load(settings: Settings, stream: str) -> LoadResult:
    store.prepare(settings)
    entries = read_sources(settings.sources_file).streams[stream]
    if not entries:
        return LoadResult(stream, "absent")
    window = window_of(settings)
    known = store.last_fingerprints(settings, stream)
    store.sweep(settings, stream)
    fresh: list[Extract] = []
    keys: list[str] = []
    origins: list[Origin] = []
    for entry in entries:
        for extract in extracts(entry, stream, settings, window):
            is_new = extract.fingerprint is None or known.get((extract.object, extract.origin)) != extract.fingerprint
            origins.append(Origin(entry["connector"], extract.object, extract.origin, extract.fingerprint, is_new))
            if is_new:
                fresh.append(extract)
                keys.append(f"{entry['connector']}/{extract.object}")
    # a load that brings nothing still leaves its manifest: the stream was looked at
    suppressor = Suppressor(settings)
    began = _run_dlt(settings, stream, fresh, suppressor) if fresh else f"{time.time():.6f}"
    load_id = store.in_order(settings, stream, began)
    files = store.describe_files(settings, stream, load_id)
    manifest = Manifest(
        load_id=load_id,
        stream=stream,
        business_date=settings.business_date.isoformat(),
        window=(window.start.isoformat(), window.end.isoformat()),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        origins=origins,
        files=files,
        cursors={key: one.cursor() for key, one in zip(keys, fresh, strict=True) if one.cursor},
        leftovers=store.leftovers_of(settings, stream, files),
        suppressed=suppressor.rows,
    )
    store.write_manifest(settings, manifest)
    if not fresh:
        return LoadResult(stream, "unchanged", load_id=manifest.load_id)
    errors = sum(file.rows_in_error for file in manifest.files)
    came = [one for one in store.new_columns(settings, stream) if one.load_id == manifest.load_id]
    named = tuple(f"{one.object}.{one.name}" for one in came)
    return LoadResult(stream, "loaded", manifest.rows, errors, manifest.load_id, named, suppressor.rows)


def extracts(entry: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterable[Extract]:
    """What the connector of an entry of the sources file would bring; nothing is read of a source that is no file.

    Raises:
        ConfigError: a setting, a path or a connection is wrong.
    """
    connector = importlib.import_module(f"persona_warehouse.sources.{entry['connector']}")
    yield from connector.extract(entry, stream, settings, window)


def _run_dlt(settings: Settings, stream: str, extracts: list[Extract], suppressor: Suppressor) -> str:
    """Runs the extracts through dlt into Parquet files and returns the load id."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")
    # dlt keeps no state for us (a stream's cursor is its manifests), so every load begins with a clean working folder:
    # what a killed run left half way must not slip in under this run's manifest
    working = settings.home / "dlt"
    shutil.rmtree(working / stream, ignore_errors=True)
    os.environ["RESTORE_FROM_DESTINATION"] = "false"
    # one file after the other: in turns all of them would be open at once, each with what the engine keeps for it
    os.environ["EXTRACT__NEXT_ITEM_MODE"] = "fifo"
    # nothing of dlt is configured in Airflow: it would import it, and inside a task ask it for hundreds of variables
    os.environ["PROVIDERS__ENABLE_AIRFLOW_SECRETS"] = "false"
    import dlt
    from dlt.destinations import filesystem

    pipeline = dlt.pipeline(
        pipeline_name=stream,
        pipelines_dir=str(working),
        destination=filesystem(bucket_url=settings.landing.as_uri(), layout=LAYOUT),
        dataset_name=stream,
    )
    resources = [
        dlt.resource(
            _rows(extract, stream, suppressor),
            name=f"{extract.object}_{number}",
            table_name=extract.object,
            write_disposition="append",
        )
        for number, extract in enumerate(extracts, 1)
    ]
    try:
        info = pipeline.run(resources, loader_file_format="parquet")
        info.raise_on_failed_jobs()
    except Exception as error:
        store.sweep(settings, stream)
        raise _own_error(error, stream) from error
    finally:
        # dlt keeps a second copy of all that it loaded
        shutil.rmtree(working / stream, ignore_errors=True)
    return str(info.loads_ids[0])


def _rows(extract: Extract, stream: str, suppressor: Suppressor) -> Iterator[pa.Table]:
    # a table that brings no row still exists with its columns
    yield store.empty_batch(stream, extract.object)
    for batch in extract.batches():
        table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        yield suppressor.clean(contract(stream, extract.object), table)


def _own_error(error: BaseException, stream: str) -> PersonaError:
    """The error that a connector raised, out of dlt's wrappers; anything else as a fault that says where."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PersonaError):
            return cause
        last, cause = cause, cause.__cause__ or cause.__context__
    return SourceFault(
        "loading failed",
        source=stream,
        expected="a load that ends",
        found=f"{type(last).__name__}: {str(last).splitlines()[0][:200]}" if str(last) else type(last).__name__,
        remedy="see the task's log; nothing of this load was kept",
    )
