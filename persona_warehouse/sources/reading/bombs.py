"""Workbooks that are small on the disk and fill the memory when they are opened, refused before anything is read."""

from __future__ import annotations

import zipfile

from persona_warehouse.sources.reading.place import Place

# an .xlsx of 100 MB holds ten million cells; XML shrinks to a twentieth, repeated cells to a hundredth
UNPACKED_MOST = 4 * 1024**3
RATIO_MOST = 250
# below this much any ratio is harmless
UNPACKED_HARMLESS = 64 * 1024**2
# a document type stands before the first element
PROLOGUE = 64 * 1024


def refuse_bomb(place: Place) -> None:
    """Refuses a workbook whose parts unpack to far more than they are, or whose XML declares entities.

    A file that is no zip archive is left to the reader, which says so.

    Raises:
        SourceFault: it is one.
    """
    try:
        with zipfile.ZipFile(place.file) as book:
            parts = book.infolist()
            unpacked, packed = sum(one.file_size for one in parts), sum(one.compress_size for one in parts)
            if unpacked > UNPACKED_MOST or (unpacked > UNPACKED_HARMLESS and unpacked > RATIO_MOST * max(packed, 1)):
                raise place.fault(
                    "the workbook unpacks to far more than a table holds",
                    expected=f"at most {RATIO_MOST} times its size, and {UNPACKED_MOST // 1024**3} GB",
                    found=f"{unpacked / 1024**2:,.0f} MB in {packed / 1024**2:,.1f} MB",
                    remedy="do not open it; ask who sent it, and have the table exported as CSV",
                )
            for one in parts:
                if one.filename.endswith((".xml", ".rels")):
                    with book.open(one) as stream:
                        start = stream.read(PROLOGUE)
                    if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                        raise place.fault(
                            "the workbook declares entities, which no spreadsheet program writes",
                            expected="plain XML without a document type",
                            found=f"one in {one.filename[:80]}",
                            remedy="do not open it; ask who sent it, and have the table exported as CSV",
                        )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return
