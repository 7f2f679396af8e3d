"""Text files: one encoding for all of them, and their records as an Arrow stream."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from persona_warehouse.errors import ConfigError
from persona_warehouse.sources.reading.place import FileOptions, Place

CHUNK = 1 << 20
# the longest record that can be read
BLOCK = 1 << 22
# how much is split into lines at once
LINES_AT_ONCE = 1 << 22
# SQL: whether a line holds more than blanks, which its first character says of nearly all; after an `or` the engine
# would trim them nevertheless
HAS_TEXT = "case when unicode(line) between 33 and 126 then true else trim(line) <> '' end"
CHINESE = ("gb18030", "gbk", "gb2312")


def plain_utf8(place: Place, options: FileOptions, folder: Path, *, header_lines: int) -> Path:
    """The file as plain UTF-8 text: itself when it is that already, else a copy in `folder`.

    Args:
        header_lines: how many lines stand before the first data row, for messages.

    Raises:
        ConfigError: its bytes are not in the encoding that the sources file says.
        SourceFault: it holds nothing but blanks.
        EOFError, OSError, zlib.error: its gzip stream is cut or none.
    """
    encoding = _known_encoding(place, options)
    zipped = place.file.suffix.lower() == ".gz"
    copy = folder / "plain.txt" if zipped or encoding != "utf-8" else None
    decoder = codecs.getincrementaldecoder(encoding)()
    utf8 = _Utf8Suspicion() if encoding in CHINESE else None
    lines, blank = 0, True
    with (
        gzip.open(place.file, "rb") if zipped else place.file.open("rb") as stream,
        copy.open("wb") if copy else nullcontext() as out,
    ):
        while True:
            chunk = stream.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, "ignore")
                row = lines + before.count("\n") + 1 - header_lines
                raise _wrong_encoding(place, encoding, row, error) from error
            if utf8:
                utf8.look(chunk)
            lines += chunk.count(b"\n") if encoding == "utf-8" else text.count("\n")
            blank = blank and not text.strip("\ufeff").strip()
            if out:
                out.write(chunk if encoding == "utf-8" else text.encode())
            if not chunk:
                break
    if utf8 and utf8.certain:
        raise _wrong_encoding(place, encoding, None, None)
    if blank:
        raise place.empty()
    return copy or place.file


def _known_encoding(place: Place, options: FileOptions) -> str:
    try:
        "".encode(options.encoding)
        name = codecs.lookup(options.encoding).name
    except LookupError as error:
        raise place.wrong(
            "no such encoding",
            expected="utf-8, gb18030, utf-16 …",
            found=options.encoding,
            remedy="correct `encoding:` in the sources file",
        ) from error
    return "utf-8" if name == "utf-8-sig" else name


class _Utf8Suspicion:
    """Whether bytes that were said to be Chinese in another encoding are UTF-8: all valid, and a Chinese character."""

    def __init__(self) -> None:
        self._decoder: Any = codecs.getincrementaldecoder("utf-8")()
        self._chinese = False

    def look(self, chunk: bytes) -> None:
        if self._decoder:
            try:
                text = self._decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                self._decoder = None
            else:
                # some short words in GB18030 are valid UTF-8, but letters of other scripts
                self._chinese = self._chinese or (not text.isascii() and max(text) >= "\u2e80")

    @property
    def certain(self) -> bool:
        return self._decoder is not None and self._chinese


def _wrong_encoding(place: Place, encoding: str, row: int | None, error: UnicodeDecodeError | None) -> ConfigError:
    likely = _likely_encoding(error.object) if error else "utf-8"
    found = f"bytes {error.object[error.start : error.start + 4].hex(' ')}" if error else f"text that is valid {likely}"
    in_header = row is not None and row < 1
    return place.wrong(
        "the file is in another encoding than the sources file says",
        row=None if in_header else row,
        expected=encoding,
        found=found + (" in the header line" if in_header else ""),
        remedy=f"set `encoding: {likely or '…'}` for this object in the sources file, or export it as {encoding}",
    )


def _likely_encoding(sample: bytes) -> str | None:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for name in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(name)().decode(sample)
            return name
        except UnicodeDecodeError:
            continue
    return None


class Records:
    """The records of a UTF-8 text file as an Arrow stream, in their order.

    Columns: `source_row` (from 1, blank lines counted), one text column for each of `fields`, and `malformed`: the raw
    text of a record that has too few or too many fields (`malformed_fields` says how many), null for all others.

    Args:
        offset: where the first record begins, in bytes.
        quote: the character that a field may be enclosed in, or False.
    """

    def __init__(
        self,
        path: Path,
        fields: list[str],
        *,
        offset: int = 0,
        delimiter: str,
        quote: str | bool = False,
    ) -> None:
        self.path = path
        self.fields = fields
        self.offset = offset
        self.delimiter = delimiter
        self.quote = quote
        self.taken = 0
        texts = [(name, pa.string()) for name in fields]
        self.schema = pa.schema(
            [("source_row", pa.int64()), *texts, ("malformed", pa.string()), ("malformed_fields", pa.int64())]
        )

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self.path.stat().st_size <= self.offset:
            return
        malformed: list[Any] = []

        def keep(row: Any) -> str:
            malformed.append(row)
            return "skip"

        with pa.OSFile(str(self.path)) as file:
            file.seek(self.offset)
            reader = pacsv.open_csv(
                file,
                # one thread, so that malformed records come with their number; typing uses the others
                read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=self.fields),
                parse_options=pacsv.ParseOptions(
                    delimiter=self.delimiter,
                    quote_char=self.quote,
                    newlines_in_values=bool(self.quote),
                    ignore_empty_lines=False,
                    invalid_row_handler=keep,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(self.fields, pa.string()), strings_can_be_null=False
                ),
            )
            waiting: list[Any] = []
            for batch in reader:
                waiting += malformed
                malformed.clear()
                numbers = np.arange(self.taken + 1, self.taken + 1 + batch.num_rows + len(waiting))
                numbers = numbers[~np.isin(numbers, [row.number for row in waiting])][: batch.num_rows]
                if batch.num_rows:
                    self.taken = int(numbers[-1])
                    nothing = [pa.nulls(batch.num_rows, pa.string()), pa.nulls(batch.num_rows, pa.int64())]
                    yield pa.record_batch([pa.array(numbers), *batch.columns, *nothing], schema=self.schema)
                passed = [row for row in waiting if row.number <= self.taken]
                waiting = waiting[len(passed) :]
                yield from self._malformed(passed)
            yield from self._malformed(waiting + malformed)

    def _malformed(self, rows: list[Any]) -> Iterator[pa.RecordBatch]:
        if rows:
            self.taken = max(self.taken, rows[-1].number)
            columns = [
                pa.array([row.number for row in rows]),
                *[pa.nulls(len(rows), pa.string()) for _ in self.fields],
                pa.array([row.text for row in rows]),
                pa.array([row.actual_columns for row in rows]),
            ]
            yield pa.record_batch(columns, schema=self.schema)


class Lines:
    """The lines of a plain UTF-8 file as an Arrow stream, in their order: `source_row` (from 1) and `line`."""

    schema = pa.schema([("source_row", pa.int64()), ("line", pa.string())])

    def __init__(self, path: Path) -> None:
        self.path = path

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        taken, rest = 0, b""
        with self.path.open("rb") as file:
            if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                file.seek(0)
            while chunk := file.read(LINES_AT_ONCE):
                # a carriage return at the end may have its line feed in the next block
                while chunk.endswith(b"\r") and (more := file.read(1)):
                    chunk += more
                block = rest + chunk
                if b"\r" in block:
                    block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
                end = block.rfind(b"\n") + 1
                if not end and len(block) > BLOCK:
                    raise pa.ArrowInvalid(f"line {taken + 1} is longer than {BLOCK} bytes")
                rest = block[end:]
                if end:
                    yield (batch := self._split(block[:end], taken))
                    taken += batch.num_rows
            if rest:
                yield self._split(rest + b"\n", taken)

    def _split(self, block: bytes, taken: int) -> pa.RecordBatch:
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
        # without the line feeds each line begins where the last one ended
        edges = np.concatenate([[0], ends - np.arange(len(ends))]).astype(np.int32)
        text = pa.py_buffer(block.replace(b"\n", b""))
        lines = pa.StringArray.from_buffers(len(ends), pa.py_buffer(edges), text)
        return pa.record_batch([pa.array(np.arange(taken + 1, taken + 1 + len(ends))), lines], schema=self.schema)


def lines_of(path: Path) -> Lines:
    """The lines of a plain UTF-8 file."""
    return Lines(path)


def first_line(path: Path) -> str:
    """The first line of a plain UTF-8 file that is not blank."""
    with path.open(encoding="utf-8-sig") as stream:
        return next((line for line in stream if line.strip()), "")
