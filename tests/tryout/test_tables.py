"""Files as people have them: other encodings and separators."""

from __future__ import annotations

from pathlib import Path

import pytest

from persona_warehouse.tryout.tables import read_table

ROWS = "职位;城市\n仓储主管;合肥\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be-bom"])
def test_a_text_file_is_read_in_the_encoding_that_it_is_in(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "titles.csv"
    data = b"\xfe\xff" + ROWS.encode("utf-16-be") if encoding == "utf-16-be-bom" else ROWS.encode(encoding)
    file.write_bytes(data)
    assert read_table(file).to_pylist() == [{"职位": "仓储主管", "城市": "合肥"}]
