"""Bands of numbers in words."""

from __future__ import annotations

import pytest

from persona_warehouse.personas.number_bands import label, words


@pytest.mark.parametrize(
    ("low", "high", "value", "zh", "en"),
    [
        (None, 114.0, "below 114", "低于114", "below 114"),
        (114.0, 211.0, "114 to 211", "114至211", "114 to 211"),
        (427.0, None, "427 and more", "427及以上", "427 and more"),
        (204600000.0, 415276000.0, "2.046e+08 to 4.15276e+08", "2.05亿至4.15亿", "205 million to 415 million"),
        (4224820.0, None, "4.22482e+06 and more", "422.5万及以上", "4.22 million and more"),
        (None, 12500.0, "below 12500", "低于1.25万", "below 12,500"),
        (3e9, None, "3e+09 and more", "30亿及以上", "3 billion and more"),
        (0.0174, 0.3529, "0.0174 to 0.3529", "1.74%至35.3%", "1.74% to 35.3%"),
        (-0.2, 0.0, "-0.2 to 0", "-20%至0%", "-20% to 0%"),
        (2007.0, 2015.0, "2007 to 2015", "2007至2015", "2007 to 2015"),
    ],
)
def test_a_band_reads_as_people_write_numbers(
    low: float | None, high: float | None, value: str, zh: str, en: str
) -> None:
    assert label(low, high) == value
    assert words(value) == (zh, en)


@pytest.mark.parametrize("value", [None, "", "cut_cost", "below", "up to 5", "广东省", "(other)"])
def test_any_other_value_is_no_band(value: str | None) -> None:
    assert words(value) is None
