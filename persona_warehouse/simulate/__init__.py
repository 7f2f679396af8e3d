"""The sample world: companies, people and their way to a purchase, as CRM, website and WeChat would have seen it.

Everything is invented. The truth stands beside the files, so that what the pipeline infers can be measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.simulate import faults as fault
from persona_warehouse.simulate import records, sources_file, truth, web_files, website, wechat
from persona_warehouse.simulate.crm_accounts import Accounts, accounts
from persona_warehouse.simulate.crm_deals import Deals, deals
from persona_warehouse.simulate.faults import FAULTS
from persona_warehouse.simulate.records import Sheet
from persona_warehouse.simulate.story import Window
from persona_warehouse.simulate.words import PRODUCTS
from persona_warehouse.simulate.world import World, build_world

__all__ = ["FAULTS", "SampleWorld", "simulate"]

SOURCES_NAME = "sources.yml"
_FOLDERS = ("crm", "web", "wechat", "truth")


@dataclass(frozen=True)
class SampleWorld:
    """What was written.

    Attributes:
        out: the folder.
        sources_file: the sources.yml that loads it all.
        end: the last day of the world, the business date of its first night.
        counts: rows of each file, by its path in the folder; of a file that a fault cut, the rows before the cut.
    """

    out: Path
    sources_file: Path
    end: date
    counts: dict[str, int]


def simulate(
    out: Path,
    *,
    seed: int = 7,
    companies: int = 200,
    days: int = 180,
    end: date = date(2026, 10, 31),
    faults: Sequence[str] = (),
) -> SampleWorld:
    """Writes a sample world into `out`: crm/, web/, wechat/, truth/ and sources.yml. What stood there is replaced.

    The same arguments give the same bytes. Everything happens within `days` days that end with `end`, in
    Asia/Shanghai.

    Args:
        faults: names of FAULTS; each spoils what it names and leaves the rest as it is.

    Raises:
        ConfigError: an unknown fault, a world without companies or days, or a folder that holds something else.
    """
    chosen = fault.check(faults)
    for name, value, least in (("companies", companies, 1), ("days", days, 1), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(
                f"a sample world cannot be made with --{name} {value}",
                field=name,
                expected=f"a whole number of at least {least}",
                found=str(value),
                remedy=f"give a larger --{name}",
            )
    _refuse_foreign(out)
    world = build_world(seed, companies, Window(end, days))
    book = accounts(world)
    sales = deals(world, book)
    followers = wechat.wechat(world)
    out.mkdir(parents=True, exist_ok=True)
    # the sources file comes first: it marks the folder as ours should this be cut short
    sources = out / SOURCES_NAME
    sources.write_text(sources_file.sources_text(book, sales), encoding="utf-8")
    for folder in _FOLDERS:
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir()
    counts: dict[str, int] = {}
    web = _write_website(out, world, chosen, counts)
    _write_crm(out, book, sales, chosen, counts)
    for file, rows in (
        (wechat.FOLLOWERS, followers.followers),
        (wechat.TAGS, followers.tags),
        (wechat.STATS, followers.stats),
    ):
        records.write_lines(out / file, records.jsonl(rows))
        counts[file] = len(rows)
    seen = website.Events.join(list(web.values()))
    identities = [*book.identities, *web_files.identities(world, seen), *followers.identities]
    spoiled = [
        *(row for sheet in _sheets(book, sales) for row in sheet.spoiled),
        *web_files.spoiled(seed, web),
        *followers.spoiled,
    ]
    for file, table in truth.tables(world, sales, identities, spoiled).items():
        records.write_parquet(out / file, table)
        counts[file] = table.num_rows
    return SampleWorld(out, sources, end, dict(sorted(counts.items())))


def _refuse_foreign(out: Path) -> None:
    """Keeps hands off folders that a sample world did not write: what stands in them would be deleted."""
    taken = [folder for folder in _FOLDERS if (out / folder).exists()]
    sources = out / SOURCES_NAME
    ours = sources.is_file() and sources.read_text(encoding="utf-8", errors="replace").startswith(sources_file.HEAD)
    if (taken or sources.exists()) and not ours:
        raise ConfigError(
            "the folder for the sample world holds something else",
            file=str(out),
            expected="an empty folder, or one with an earlier sample world",
            found=", ".join([*taken, *([SOURCES_NAME] if sources.exists() else [])]),
            remedy="give another --out",
        )


def _sheets(book: Accounts, sales: Deals) -> tuple[Sheet, ...]:
    return (book.companies, book.contacts, book.leads, sales.deals, sales.history, sales.roles, sales.activities)


def _write_crm(out: Path, book: Accounts, sales: Deals, chosen: frozenset[str], counts: dict[str, int]) -> None:
    encodings = {book.contacts.file: "utf-8" if "encoding" in chosen else "gb18030", book.leads.file: "utf-8-sig"}
    renamed = {sales.deals.file: fault.RENAMED_DEAL_COLUMN} if "schema_change" in chosen else {}
    for sheet in _sheets(book, sales):
        if sheet is not sales.activities:
            text = sheet.csv(renamed.get(sheet.file))
            (out / sheet.file).write_bytes(text.encode(encodings.get(sheet.file, "utf-8")))
        counts[sheet.file] = len(sheet.rows)
    records.write_lines(out / sales.activities.file, sales.activities.json_lines())
    records.write_parquet(out / sources_file.PRODUCTS_FILE, _products())
    counts[sources_file.PRODUCTS_FILE] = len(PRODUCTS)


def _products() -> pa.Table:
    prices = pa.array([Decimal(product.list_price) for product in PRODUCTS], pa.decimal128(18, 2))
    columns = {
        "product_id": pa.array([product.product_id for product in PRODUCTS]),
        "name": pa.array([product.name for product in PRODUCTS]),
        "family": pa.array([product.family for product in PRODUCTS]),
        "list_price": prices,
        "currency": pa.array(["CNY"] * len(PRODUCTS)),
    }
    return pa.table({name: columns[name] for name in sources_file.PRODUCT_COLUMNS})


def _write_website(
    out: Path, world: World, chosen: frozenset[str], counts: dict[str, int]
) -> dict[str, website.Events]:
    """Writes the web files, several at a time: gzip lets go of the interpreter."""
    found = website.with_flaws(world, website.events(world))
    for name, change in fault.EVENT_FAULTS.items():
        if name in chosen:
            found = change(world, found)
    files = web_files.by_month(world.window, found)
    if "reorder" in chosen:
        files = fault.reorder(world, files)
    with ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(records.write_gzip, out / file, web_files.lines(world, rows)) for file, rows in files.items()
        ]
        for done in waiting:
            done.result()
    if "truncate" in chosen:
        fault.truncate(out, list(files))
    counts.update({file: len(rows) for file, rows in files.items()})
    return files
