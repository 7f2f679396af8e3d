"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from persona_warehouse.recognise.quantities import read_quantity


@pytest.mark.parametrize(
    ("raw", "number", "currency", "is_exact"),
    [
        ("300", "300", None, True),
        ("1,200", "1200", None, True),
        ("约300人", "300", None, True),
        ("３００人", "300", None, True),
        ("1.2亿元", "120000000", "CNY", True),
        ("1,200万", "12000000", None, True),
        ("注册资本500万元人民币", "5000000", "CNY", True),
        ("$5M", "5000000", "USD", True),
        ("USD 5 million", "5000000", "USD", True),
        ("HK$3.2亿", "320000000", "HKD", True),
        ("12%", "0.12", None, True),
        ("-5236297", "-5236297", None, True),
        ("(1,200)", "-1200", None, True),
        ("亏损500万", "-5000000", None, True),
        # a range is the middle of it, as sizes go; the unit may stand once
        ("100-400人", "200", None, False),
        ("100~400", "200", None, False),
        ("100至400万", "2000000", None, False),
        ("100_400", "200", None, False),
        ("100m_400m", "200000000", None, False),
        # a bound
        ("300人以上", "300", None, False),
        ("10000+", "10000", None, False),
        ("over 100 employees", "100", None, False),
        ("above_1000", "1000", None, False),
        ("不足50人", "25", None, False),
        ("<50", "25", None, False),
        ("below_100m", "50000000", None, False),
    ],
)
def test_a_number_is_read(raw: str, number: str, currency: str | None, is_exact: bool) -> None:
    found = read_quantity(raw)
    assert found is not None
    assert (found.number, found.currency, found.is_exact) == (Decimal(number), currency, is_exact)


@pytest.mark.parametrize("raw", ["", None, "无", "N/A", "A轮", "many", "1,5", "1 200", "3人 5人", "400-100", "v2.0.1"])
def test_what_is_no_number_is_none(raw: str | None) -> None:
    assert read_quantity(raw) is None


@pytest.mark.parametrize("raw", ["2005", "2005年", "2005-03-12", "2005/3/12", "成立于2005年3月", "since 2005"])
def test_a_year_is_read_from_a_date(raw: str) -> None:
    found = read_quantity(raw)
    assert found is not None and found.year == 2005


def test_a_number_that_begins_like_a_year_is_none() -> None:
    found = read_quantity("20051")
    assert found is not None
    assert (found.year, found.number) == (None, Decimal(20051))
