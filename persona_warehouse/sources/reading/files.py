"""Which files a pattern names, what they are, and reading one of them."""

from __future__ import annotations

import difflib
import glob
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.sources.reading.jsonl import read_jsonl
from persona_warehouse.sources.reading.place import FileOptions, Place, reading_faults
from persona_warehouse.sources.reading.tables import read_csv, read_parquet, read_xlsx
from persona_warehouse.warehouse import scratch

CSV, XLSX, PARQUET, JSONL = "CSV", "XLSX", "Parquet", "JSON lines"
FORMATS = {".csv": CSV, ".tsv": CSV, ".txt": CSV, ".xlsx": XLSX, ".xls": XLSX, ".parquet": PARQUET,
           ".jsonl": JSONL, ".ndjson": JSONL, ".json": JSONL, ".log": JSONL}  # fmt: skip
READERS = {CSV: read_csv, XLSX: read_xlsx, PARQUET: read_parquet, JSONL: read_jsonl}


def format_of(place: Place) -> str:
    """CSV, XLSX, Parquet or JSON lines, by the file's ending (before .gz).

    Raises:
        ConfigError: the ending is none of those that are known.
    """
    suffixes = [suffix.lower() for suffix in place.file.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    ending = suffixes[-1] if suffixes else ""
    if ending not in FORMATS:
        raise place.wrong(
            "the file's format is unknown",
            expected=f"a name that ends with {', '.join(FORMATS)}; text may be followed by .gz",
            found=place.file.name,
            remedy="rename the file, or name another one in the sources file",
        )
    return FORMATS[ending]


def fingerprint(path: Path, settings_of_file: object) -> str:
    """sha256 over a file's bytes and the settings it is read with."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(json.dumps(settings_of_file, sort_keys=True, ensure_ascii=False, default=str).encode())
    return digest.hexdigest()


def settings_of(mapping: Mapping, options: FileOptions) -> dict[str, object]:
    """What a fingerprint covers besides the bytes."""
    return {"mapping": asdict(mapping), "options": asdict(options)}


def find_files(base: Path, pattern: str, *, source: str, object: str) -> list[Path]:
    """The files that a name or a pattern names, sorted. A spreadsheet program's lock files are passed over.

    Raises:
        ConfigError: there is none.
    """
    named = base / pattern
    if named.is_file():
        return [named]
    # unlike Path.glob it takes absolute patterns and leaves hidden files alone
    matches = glob.glob(str(named), recursive=True)  # noqa: PTH207
    found = sorted(path for path in map(Path, matches) if path.is_file())
    found = [path for path in found if not path.name.startswith("~$")]
    if found:
        return found
    if named.is_dir():
        inside = _names(named)
        ending = Path(inside[0]).suffix if inside else ".csv"
        raise ConfigError(
            "a folder is named where a file should be",
            source=source,
            object=object,
            file=str(named),
            expected="a file, or a pattern that matches some",
            found=f"a folder with {', '.join(inside[:3]) or 'nothing in it'}",
            remedy=f"name the files in it, such as {pattern.rstrip('/')}/*{ending}",
        )
    near = difflib.get_close_matches(named.name, _names(named.parent), n=3, cutoff=0.5)
    there = "nothing of that name" if named.parent.is_dir() or glob.has_magic(str(named.parent)) else "no such folder"
    raise ConfigError(
        "a file of the sources file is missing",
        source=source,
        object=object,
        file=str(named),
        expected="a file, or a pattern that matches some",
        found=f"{there}; similar: {', '.join(near)}" if near else there,
        remedy="put the export there, or correct `path:` / `file:` in the sources file",
    )


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def read_file(contract: ObjectContract, path: Path, mapping: Mapping, options: FileOptions) -> Iterator[pa.RecordBatch]:
    """Reads one file into the landing shape, batch by batch.

    A row that cannot be read or typed keeps its place with `row_errors` set; a file that cannot be read is an error.

    Raises:
        ConfigError: a mapped or required column does not exist, the encoding is another, the sheet is missing.
        SourceFault: the file is empty, cut or not of its format.
    """
    place = Place(contract.stream, contract.name, path)
    kind = format_of(place)
    with reading_faults(place, kind), scratch() as connection, tempfile.TemporaryDirectory() as folder:
        if path.stat().st_size == 0:
            raise place.empty()
        _refuse_another_kind(place, kind)
        yield from READERS[kind](connection, contract, mapping, options, place, Path(folder))


# how files begin that are not what their name says, and what they are
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def _refuse_another_kind(place: Place, kind: str) -> None:
    """Refuses a workbook that is named like text, text that is named like a workbook, and a locked workbook.

    Raises:
        SourceFault: it is one.
    """
    with place.file.open("rb") as stream:
        head = stream.read(8)
        # the name of the part that holds the encrypted workbook
        locked = head == OLE and "EncryptedPackage".encode("utf-16-le") in stream.read()
    if locked:
        raise place.fault(
            "the workbook is protected with a password",
            expected="a workbook that opens without one",
            found="an encrypted workbook",
            remedy="save it without a password, or export it again as .csv",
        )
    is_book = head == OLE or head.startswith(ZIP)
    if kind != XLSX and is_book:
        found = "an old workbook (.xls)" if head == OLE else "a workbook (.xlsx) or another zip archive"
        remedy = "name it by what it is, or unpack it, or export it again"
    elif place.file.suffix.lower() == ".xlsx" and head == OLE:
        found, remedy = "an old workbook (.xls)", "rename it to .xls, or save it again as .xlsx"
    elif kind == XLSX and not is_book and b"\0" not in head and not head.lstrip().startswith(b"<"):
        found, remedy = "text", "if it is CSV, rename it to .csv; else save it again as .xlsx"
    else:
        return
    raise place.fault("the file is not what its name says", expected=kind, found=found, remedy=remedy)


def file_batches(
    contract: ObjectContract, path: Path, mapping: Mapping, options: FileOptions
) -> Callable[[], Iterator[pa.RecordBatch]]:
    """`read_file`, held back until the load takes it."""
    return lambda: read_file(contract, path, mapping, options)
