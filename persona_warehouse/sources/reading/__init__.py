"""Files of any format to the landing shape, through Arrow and DuckDB: no bulk row ever becomes a Python object."""

from persona_warehouse.sources.reading.files import file_batches, find_files, fingerprint, read_file, settings_of
from persona_warehouse.sources.reading.place import FileOptions, Place, reading_faults

__all__ = [
    "FileOptions",
    "Place",
    "file_batches",
    "find_files",
    "fingerprint",
    "read_file",
    "reading_faults",
    "settings_of",
]
