"""Files of any format to the landing shape, through DuckDB: no bulk row ever becomes a Python object."""

from __future__ import annotations

import codecs
import csv
import difflib
import gzip
import hashlib
import io
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.typing import Mapping, typed_query
from persona_warehouse.warehouse import identifier, literal, scratch

BATCH_ROWS = 200_000
FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx", ".xls": "xlsx", ".parquet": "parquet",
           ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".log": "lines"}  # fmt: skip
CHUNK = 1 << 20


@dataclass(frozen=True)
class FileOptions:
    """How to open a file: `encoding` (utf-8, gb18030 …), `delimiter` of CSV, `sheet` of XLSX."""

    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Place:
    """Where we are, for messages."""

    source: str
    object: str
    file: Path

    def keywords(self) -> dict[str, str]:
        return {"source": self.source, "object": self.object, "file": str(self.file)}


def format_of(path: Path) -> str:
    """csv, xlsx, parquet, jsonl or lines, by the file's ending (before .gz)."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    ending = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes[-1] if suffixes else "")
    return FORMATS.get(ending, "lines")


def fingerprint(path: Path, settings_of_file: object) -> str:
    """sha256 over a file's bytes and the settings it is read with."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(json.dumps(settings_of_file, sort_keys=True, ensure_ascii=False, default=str).encode())
    return digest.hexdigest()


def find_files(base: Path, pattern: str, *, source: str, object: str) -> list[Path]:
    """The files that a pattern names, sorted.

    Raises:
        ConfigError: there is none, or the pattern leaves the folder of the sources file's path.
    """
    found = sorted(path for path in base.glob(pattern) if path.is_file()) if any(c in pattern for c in "*?[") else []
    if not found and (base / pattern).is_file():
        found = [base / pattern]
    if found:
        return found
    near = difflib.get_close_matches(Path(pattern).name, _names(base / Path(pattern).parent), n=3, cutoff=0.5)
    there = "nothing of that name" if base.exists() else "the folder itself does not exist"
    raise ConfigError(
        "a file of the sources file is missing",
        source=source,
        object=object,
        file=str(base / pattern),
        expected="a file, or a pattern that matches some",
        found=f"{there}; similar: {', '.join(near)}" if near else there,
        remedy="put the export there, or correct `path:` / `file:` in the sources file",
    )


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def read_file(
    contract: ObjectContract,
    path: Path,
    mapping: Mapping,
    options: FileOptions,
) -> Iterator[pa.RecordBatch]:
    """Reads one file into the landing shape, batch by batch.

    A row that cannot be read or typed keeps its place with `row_errors` set; a file that cannot be read at all is an error.

    Raises:
        ConfigError: a mapped column does not exist, the encoding is another, the sheet is missing.
        SourceFault: the file is empty, cut or not of its format.
    """
    place = Place(contract.stream, contract.name, path)
    if path.stat().st_size == 0:
        raise SourceFault(
            "the file is empty",
            **place.keywords(),
            expected="at least a header line",
            found="0 bytes",
            remedy="export it again; a source with nothing to tell still writes its header",
        )
    reader = {"csv": _csv, "xlsx": _xlsx, "parquet": _parquet, "jsonl": _jsonl, "lines": _jsonl}[format_of(path)]
    with scratch() as connection, tempfile.TemporaryDirectory() as folder, reading_faults(place):
        yield from reader(connection, contract, mapping, options, place, Path(folder))


@contextmanager
def reading_faults(place: Place) -> Iterator[None]:
    """Turns the reader's own errors into one that names the place."""
    try:
        yield
    except PersonaError:
        raise
    except (duckdb.Error, OSError, zlib.error, EOFError) as error:
        raise SourceFault(
            "the file cannot be read to its end",
            **place.keywords(),
            expected=f"a whole {format_of(place.file)} file",
            found=str(error).splitlines()[0][:200],
            remedy="it is probably cut or half written: copy or export it again; nothing of it was loaded",
        ) from error


def batches_of(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """The result of a query as Arrow batches."""
    reader = connection.execute(query).to_arrow_reader(BATCH_ROWS)
    yield from (batch for batch in reader if batch.num_rows)


def plain_utf8(place: Place, options: FileOptions, folder: Path) -> Path:
    """The file as plain UTF-8 text: itself when it is that already, else a copy in `folder`.

    Raises:
        ConfigError: its bytes are not in the encoding that the sources file says.
        SourceFault: its gzip stream is cut.
    """
    zipped = place.file.suffix.lower() == ".gz"
    try:
        decoder = codecs.getincrementaldecoder("utf-8-sig" if _is_utf8(options.encoding) else options.encoding)()
    except LookupError as error:
        raise ConfigError(
            "no such encoding",
            **place.keywords(),
            expected="utf-8, gb18030, utf-16 …",
            found=options.encoding,
            remedy="correct `encoding:` in the sources file",
        ) from error
    copy = folder / "plain.txt" if zipped or not _is_utf8(options.encoding) else None
    looks_utf8 = codecs.getincrementaldecoder("utf-8")() if not _is_utf8(options.encoding) else None
    has_multibyte = False
    rows = 0
    with (
        gzip.open(place.file, "rb") if zipped else place.file.open("rb") as stream,
        copy.open("wb") if copy else io.BytesIO() as out,
    ):
        while True:
            chunk = stream.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                row = rows + chunk[: error.start].count(b"\n")
                raise _wrong_encoding(place, options, max(row, 0), chunk[error.start : error.start + 4]) from error
            if looks_utf8:
                try:
                    looks_utf8.decode(chunk, final=not chunk)
                    has_multibyte = has_multibyte or not chunk.isascii()
                except UnicodeDecodeError:
                    looks_utf8 = None
            rows += chunk.count(b"\n")
            if copy:
                out.write(text.encode())
            if not chunk:
                break
    if looks_utf8 and has_multibyte and options.encoding.lower().replace("-", "") in ("gb18030", "gbk", "gb2312"):
        raise _wrong_encoding(place, options, None, b"")
    return copy or place.file


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")


def _wrong_encoding(place: Place, options: FileOptions, row: int | None, found: bytes) -> ConfigError:
    other = "gb18030" if _is_utf8(options.encoding) else "utf-8"
    return ConfigError(
        "the file is in another encoding than the sources file says",
        **place.keywords(),  # type: ignore[arg-type]
        row=row,
        expected=options.encoding,
        found=f"bytes {found.hex(' ')}" if found else f"text that is valid {other}",
        remedy=f"set `encoding: {other}` for this object in the sources file, or export it as {options.encoding}",
    )


def _csv(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    plain = plain_utf8(place, options, folder)
    with plain.open(encoding="utf-8-sig", newline="") as stream:
        first = stream.readline()
        delimiter = options.delimiter or max(",\t;|", key=first.count)
        stream.seek(0)
        names = [name.strip() for name in next(csv.reader(stream, delimiter=delimiter), [])]
    _refuse_markup(first, place)
    columns = unique_names(names)
    spec = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    source = (
        f"read_csv({literal(plain)}, header = true, auto_detect = false, columns = {{{spec}}}, delim = {literal(delimiter)},"
        f" quote = '\"', escape = '\"', strict_mode = true, store_rejects = true, rejects_scan = 'scan',"
        f" rejects_table = 'rejected', null_padding = false)"
    )
    yield from _typed_batches(connection, contract, mapping, place, source, columns)
    yield from _rejected(connection, contract, place)


def _refuse_markup(first: str, place: Place) -> None:
    if first.lstrip("\ufeff \t").lower().startswith(("<!doctype", "<html", "<?xml")):
        raise SourceFault(
            "the file is a web page, not data",
            **place.keywords(),
            expected="a header line of column names",
            found=first.strip()[:60],
            remedy="a login page was saved in its place: sign in and export it again",
        )


def unique_names(names: list[str]) -> list[str]:
    """Column names as they stand; blank and repeated ones get a number."""
    seen: dict[str, int] = {}
    result = []
    for index, name in enumerate(names, 1):
        base = name or f"column_{index}"
        seen[base] = seen.get(base, 0) + 1
        result.append(base if seen[base] == 1 else f"{base}_{seen[base]}")
    return result


def map_columns(contract: ObjectContract, mapping: Mapping, columns: list[str], place: Place) -> dict[str, str]:
    """Landing column -> source column: those that the sources file names, and those that bear the landing name.

    Raises:
        ConfigError: a named source column does not exist, or a landing column is none.
    """
    for wanted, named in mapping.columns.items():
        if wanted not in contract.columns:
            raise _no_such_column(
                "the sources file maps a landing column that does not exist", place, wanted, list(contract.columns)
            )
        if named not in columns:
            raise _no_such_column("a mapped column is not in the file", place, named, columns)
    taken = set(mapping.columns.values())
    own = {name: name for name in contract.columns if name in columns and name not in taken}
    return {**own, **mapping.columns}


def _no_such_column(problem: str, place: Place, name: str, candidates: list[str]) -> ConfigError:
    near = difflib.get_close_matches(name, candidates, n=3, cutoff=0.4)
    return ConfigError(
        problem,
        **place.keywords(),  # type: ignore[arg-type]
        field=name,
        expected=f"one of: {', '.join(candidates)}",
        found=f"{name}" + (f" (nearest: {', '.join(near)})" if near else ""),
        remedy="correct `columns:` of this object in the sources file",
    )


def _typed_batches(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    place: Place,
    source: str,
    columns: list[str],
    types: dict[str, str] | None = None,
) -> Iterator[pa.RecordBatch]:
    mapped = map_columns(contract, mapping, columns, place)
    query = typed_query(
        contract,
        f"(select row_number() over () as source_row, * from {source})",
        {wanted: (identifier(name), (types or {}).get(name, "VARCHAR")) for wanted, name in mapped.items()},
        mapping,
        origin=place.file.name,
        properties=_leftovers(columns, set(mapped.values())),
        raw_row=_json_object(columns),
    )
    yield from batches_of(connection, query)


def _json_object(columns: list[str]) -> str:
    return f"json_object({', '.join(f'{literal(name)}, {identifier(name)}' for name in columns)})"


def _leftovers(columns: list[str], used: set[str]) -> str:
    rest = [name for name in columns if name not in used]
    if not rest:
        return "null"
    pairs = ", ".join(f"{literal(name)}, nullif(trim(cast({identifier(name)} as varchar)), '')" for name in rest)
    # a merge patch onto nothing leaves out the empty ones
    return f"nullif(cast(json_merge_patch('{{}}', json_object({pairs})) as varchar), '{{}}')"


def _rejected(
    connection: duckdb.DuckDBPyConnection, contract: ObjectContract, place: Place
) -> Iterator[pa.RecordBatch]:
    """Lines that are no rows (too few or too many fields, a quote that never ends), with their own text."""
    columns = [
        f"cast(null as {_duck_type(field.type)}) as {identifier(field.name)}" for field in _schema(contract)[:-4]
    ]
    query = f"""
    select {", ".join(columns)}, {literal(place.file.name)} as source_file, cast(line as bigint) - 1 as source_row,
           cast(json_array(json_object('field', null, 'rule', 'malformed_row', 'expected', 'a row as long as the header',
               'found', any_value(lower(cast(error_type as varchar))))) as varchar) as row_errors,
           cast(to_json(any_value(csv_line)) as varchar) as raw_row
    from rejected group by line order by line"""
    yield from batches_of(connection, query)


def _schema(contract: ObjectContract) -> list[pa.Field]:
    from persona_warehouse.landing.contract import landing_schema

    return list(landing_schema(contract.stream, contract.name))


def _duck_type(type_: pa.DataType) -> str:
    if pa.types.is_decimal(type_):
        return "decimal(38, 6)"
    if pa.types.is_timestamp(type_):
        return "timestamptz"
    return {"string": "varchar", "int64": "bigint", "bool": "boolean", "date32[day]": "date"}[str(type_)]


def _xlsx(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    import fastexcel

    try:
        book = fastexcel.read_excel(str(place.file))
        sheet = options.sheet or book.sheet_names[0]
        if sheet not in book.sheet_names:
            raise ConfigError(
                "no such sheet",
                **place.keywords(),
                expected=", ".join(book.sheet_names),
                found=sheet,
                remedy="correct `sheet:` in the sources file",
            )
        table = pa.table(book.load_sheet(sheet, dtypes="string").to_arrow())
    except fastexcel.FastExcelError as error:
        raise SourceFault(
            "the workbook cannot be read",
            **place.keywords(),
            expected="an .xlsx workbook",
            found=str(error).splitlines()[0][:200],
            remedy="open it in a spreadsheet program and save it again as .xlsx",
        ) from error
    columns = unique_names([name.strip() for name in table.column_names])
    connection.register("sheet", table.rename_columns(columns))
    yield from _typed_batches(connection, contract, mapping, place, "sheet", columns)


def _parquet(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    source = f"read_parquet({literal(place.file)})"
    types = {str(row[0]): str(row[1]) for row in connection.execute(f"describe select * from {source}").fetchall()}
    yield from _typed_batches(connection, contract, mapping, place, source, list(types), types)


def lines_of(place: Place, options: FileOptions, folder: Path) -> str:
    """FROM item: the lines of a text file as (source_row, line)."""
    plain = plain_utf8(place, options, folder)
    # a delimiter and a quote that no text holds make every line one field
    return (
        f"(select row_number() over () as source_row, line from read_csv({literal(plain)}, header = false,"
        f" auto_detect = false, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '',"
        f" new_line = '\\n', null_padding = false, max_line_size = 16777216) where line is not null)"
    )


def _jsonl(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    lines = lines_of(place, options, folder)
    first = connection.execute(f"select line from {lines} limit 1").fetchone()
    if first:
        _refuse_markup(str(first[0]), place)
    seen = connection.execute(
        f"select distinct unnest(json_keys(line)) from (select line from {lines} limit 10000)"
        " where json_valid(line) and json_type(line) = 'OBJECT'"
    ).fetchall()
    keys = sorted(str(row[0]) for row in seen)
    for wanted in contract.required:
        if wanted in mapping.columns and keys and mapping.columns[wanted] not in keys:
            raise _no_such_column("a mapped key is in no line of the file", place, mapping.columns[wanted], keys)
    unknown = [name for name in mapping.columns if name not in contract.columns]
    if unknown:
        raise _no_such_column(
            "the sources file maps a landing column that does not exist", place, unknown[0], list(contract.columns)
        )
    taken = set(mapping.columns.values())
    mapped = {**{name: name for name in contract.columns if name not in taken}, **mapping.columns}
    mapped = {wanted: key for wanted, key in mapped.items() if key in keys or wanted in mapping.columns}
    paths = ", ".join(literal("$." + json.dumps(key, ensure_ascii=False)) for key in mapped.values())
    raw = {wanted: (f"parts[{index}]", "VARCHAR") for index, wanted in enumerate(mapped, 1)}
    known = (
        "{"
        + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: null" for key in [*mapped.values(), "properties"])
        + "}"
    )
    own = "coalesce(json_extract(line, '$.properties'), '{}')" if "properties" in keys else "'{}'"
    parts = f"json_extract_string(line, [{paths}])" if mapped else "[]"
    relation = f"""(select source_row, line, valid, case when valid then {parts} end as parts
        from (select *, json_valid(line) and coalesce(json_type(try_cast(line as json)), '') = 'OBJECT' as valid from {lines}))"""
    query = typed_query(
        contract,
        relation,
        raw,
        mapping,
        origin=place.file.name,
        properties=f"case when valid then nullif(cast(json_merge_patch(json_merge_patch(line, {literal(known)}), {own}) as varchar), '{{}}') end",
        raw_row="case when valid then line else cast(to_json(line) as varchar) end",
        broken="case when not valid then json_object('field', null, 'rule', 'malformed_json', 'expected',"
        " 'one JSON object a line', 'found', left(line, 40)) end",
    )
    yield from batches_of(connection, query)


def file_batches(
    contract: ObjectContract, path: Path, mapping: Mapping, options: FileOptions
) -> Callable[[], Iterator[pa.RecordBatch]]:
    """`read_file`, held back until the load takes it."""
    return lambda: read_file(contract, path, mapping, options)


def settings_of(mapping: Mapping, options: FileOptions) -> dict[str, object]:
    """What a fingerprint covers besides the bytes."""
    return {"mapping": asdict(mapping), "options": asdict(options)}
