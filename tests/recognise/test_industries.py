"""Industries as CRMs, registries, exchanges and salespeople write them, to GB/T 4754-2017."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from persona_warehouse.recognise.industries import CODE, read_industry, read_trade
from persona_warehouse.recognise.vocabulary import rows_of


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        # the standard's own names and codes
        ("软件和信息技术服务业", "I65"),
        ("计算机、通信和其他电子设备制造业", "C39"),
        ("制造业", "C"),
        ("I65", "I65"),
        ("C3670", "C36"),
        ("c", "C"),
        ("65", "I65"),
        # as people write
        ("IT", "I"),
        ("互联网", "I64"),
        ("SaaS", "I65"),
        ("装备制造", "C34"),
        ("汽车零部件", "C36"),
        ("汽車零部件", "C36"),
        ("新能源汽车行业", "C36"),
        ("汽车零部件制造", "C36"),
        ("快消", "C14"),
        ("零售业", "F52"),
        ("物流", "G"),
        ("在线教育", "P83"),
        ("其他制造业", "C41"),
        ("大健康", "Q"),
        # levels, and several beside each other
        ("制造业>汽车零部件", "C36"),
        ("制造业 / 汽车零部件", "C36"),
        ("政府/事业单位", "S"),
        ("白酒、啤酒", "C15"),
        ("食品、服装", "C"),
        # HubSpot, LinkedIn, GICS
        ("COMPUTER_SOFTWARE", "I65"),
        ("HOSPITAL_HEALTH_CARE", "Q84"),
        ("Electrical/Electronic Manufacturing", "C38"),
        ("Marketing & Advertising", "L72"),
        ("Hotels, Resorts & Cruise Lines", "H61"),
        ("Technology", "I"),
        ("Health Care", "Q"),
        ("Software as a Service (SaaS)", "I65"),
        ("ＲＥＴＡＩＬ", "F52"),
    ],
)
def test_an_industry_is_read(raw: str, code: str) -> None:
    found = read_industry(raw)
    assert found is not None
    assert found.code == code
    assert found.section == code[0]


@pytest.mark.parametrize(
    "raw", ["", None, "其他", "未知", "无", "N/A", "other", "零连售锁", "SUV", "123456", "z", "😀", "T9X"]
)
def test_what_says_nothing_is_no_industry(raw: str | None) -> None:
    assert read_industry(raw) is None


def test_latin_words_are_whole_words() -> None:
    assert read_industry("biography") is None  # holds "bio", "graph"
    assert read_industry("steelworker's club") is None or read_industry("steelworker's club").code != "C31"  # type: ignore[union-attr]


def test_an_entry_that_names_two_sections_is_the_first_and_less_sure() -> None:
    found, whole = read_industry("房地产/建筑"), read_industry("房地产")
    assert found is not None and whole is not None
    assert (found.code, whole.code) == ("K70", "K70")
    assert found.confidence < whole.confidence


@pytest.mark.parametrize(
    ("trade", "code"),
    [
        ("软件", "I65"),
        ("医疗器械", "C35"),
        ("冷链物流", "G54"),
        ("投资管理", "J67"),
        ("auto parts", "C36"),
        # a word that stands in names of all kinds gives way to one that says more
        ("电子科技", "C39"),
        ("生物科技", "C"),
    ],
)
def test_the_trade_of_a_name_tells_an_industry(trade: str, code: str) -> None:
    found = read_trade(trade)
    assert found is not None and found.code == code


def test_the_trade_of_a_name_is_believed_less_than_a_field_and_a_general_word_least() -> None:
    confidences = [
        found.confidence for found in (read_industry("软件"), read_trade("软件"), read_trade("科技")) if found
    ]
    assert len(confidences) == 3
    assert confidences[0] > confidences[1] > confidences[2]
    assert read_trade(None) is None


def test_every_term_has_a_code_of_the_standard_and_the_standard_is_whole() -> None:
    codes = {row["code"] for row in rows_of("accounts/industries")}
    assert {row["code"] for row in rows_of("companies/industry_terms")} <= codes
    assert sorted(code for code in codes if len(code) == 1) == list("ABCDEFGHIJKLMNOPQRST")
    assert sorted(int(code[1:]) for code in codes if len(code) == 3) == list(range(1, 98))
    assert all(CODE.fullmatch(code.lower()) for code in codes)


def test_every_sub_industry_of_the_exchange_has_a_section_that_fits_its_sector(real_data: Path) -> None:
    with (real_data / "firmo_sp500" / "constituents.csv").open(encoding="utf-8", newline="") as stream:
        pairs = sorted({(row["GICS Sector"], row["GICS Sub-Industry"]) for row in csv.DictReader(stream)})
    read = {sub: read_industry(sub) for _, sub in pairs}
    assert [sub for sub, found in read.items() if found is None] == []
    assert len(read) > 120
    # where the two classifications have the same border
    for sector, sections in {"Utilities": "D", "Real Estate": "KA", "Energy": "BCG", "Financials": "J"}.items():
        found = {read[sub].section for own, sub in pairs if own == sector}  # type: ignore[union-attr]
        assert found <= set(sections), sector


def test_every_sector_of_a_real_crm_is_known(real_data: Path) -> None:
    with (real_data / "crm_maven_sales_opportunities" / "accounts.csv").open(encoding="utf-8", newline="") as stream:
        sectors = {row["sector"] for row in csv.DictReader(stream)}
    codes = {sector: found.code for sector in sectors if (found := read_industry(sector))}
    assert sectors - set(codes) == {"technolgy"}  # a misspelling that the sources file mends
    assert codes["software"] == "I65"
    assert codes["retail"] == "F52"
