"""Where a reader is, for messages."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.errors import ConfigError, PersonaError, SourceFault


@dataclass(frozen=True)
class FileOptions:
    """How to open a file: `encoding` (utf-8, gb18030 …), `delimiter` of CSV, `sheet` of XLSX."""

    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Place:
    """A file that is read for an object of a stream; makes the errors that name it."""

    source: str
    object: str
    file: Path

    def wrong(
        self, problem: str, *, expected: str, found: str, remedy: str, row: int | None = None, field: str | None = None
    ) -> ConfigError:
        """The sources file says something else than the file."""
        return ConfigError(
            problem,
            source=self.source,
            object=self.object,
            file=str(self.file),
            row=row,
            field=field,
            expected=expected,
            found=found,
            remedy=remedy,
        )

    def fault(self, problem: str, *, expected: str, found: str, remedy: str, row: int | None = None) -> SourceFault:
        """The file itself is no good."""
        return SourceFault(
            problem,
            source=self.source,
            object=self.object,
            file=str(self.file),
            row=row,
            expected=expected,
            found=found,
            remedy=remedy,
        )

    def empty(self) -> SourceFault:
        return self.fault(
            "the file is empty",
            expected="at least a header line, or one record",
            found=f"{self.file.stat().st_size} bytes and nothing in them",
            remedy="export it again; a source with nothing to tell still writes its header",
        )

    def refuse_markup(self, first: str) -> None:
        """Refuses a web page, known by its first line.

        Raises:
            SourceFault: it is one.
        """
        if first.lstrip("\ufeff \t").lower().startswith(("<!doctype", "<html", "<?xml", "<head", "<script")):
            raise self.fault(
                "the file is a web page, not data",
                expected="records",
                found=first.strip()[:60],
                remedy="a login page was saved in its place: sign in and export it again",
            )


@contextmanager
def reading_faults(place: Place, kind: str) -> Iterator[None]:
    """Turns the readers' own errors into one that names the place; `kind` is what the file should be."""
    try:
        yield
    except PersonaError:
        raise
    except (duckdb.Error, pa.ArrowException, OSError, zlib.error, EOFError) as error:
        raise place.fault(
            "the file cannot be read to its end",
            expected=f"a whole {kind} file",
            found=(str(error).splitlines() or [type(error).__name__])[0][:200],
            remedy="it is probably cut or half written: copy or export it again; nothing of it was loaded",
        ) from error
