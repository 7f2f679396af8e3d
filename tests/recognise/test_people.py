"""Names of persons, and the remarks in which they stand."""

from __future__ import annotations

import pytest

from persona_warehouse.recognise.person_names import given_names_agree, read_person_name
from persona_warehouse.recognise.remarks import read_remarks


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("李思远", "li|siyuan"),
        ("李 思远", "li|siyuan"),
        ("Li Siyuan", "li|siyuan"),
        ("Siyuan Li", "li|siyuan"),
        ("LI, Si-yuan", "li|siyuan"),
        ("歐陽靜", "ouyang|jing"),
        ("李思远经理", "li|siyuan"),
        ("李思远(采购)", "li|siyuan"),
        # family names sound otherwise than the words
        ("单思远", "shan|siyuan"),
        ("Shan Siyuan", "shan|siyuan"),
        ("曾静", "zeng|jing"),
        ("令狐静", "linghu|jing"),
        # letters with signs are the letters
        ("Zoë Strauß", "strauss|zoe"),
        ("Bjørn Łukasz", "lukasz|bjorn"),
        ("李总", "li|"),
        ("Mr. Smith", "smith|"),
        ("Robert Smith", "smith|robert"),
        ("Smith, Robert", "smith|robert"),
    ],
)
def test_one_person_has_one_key_in_both_scripts(name: str, key: str) -> None:
    found = read_person_name(name)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize("name", [None, "", "测试", "111", "a", "无", "先生", "N/A", "test01", "🙂"])
def test_what_is_no_name_is_none(name: str | None) -> None:
    assert read_person_name(name) is None


def test_a_form_of_address_leaves_the_family_name_alone() -> None:
    found = read_person_name("李总")
    assert found is not None
    assert (found.family, found.given, found.is_whole, found.address) == ("李", "", False, "总")


def test_nicknames_and_initials_agree() -> None:
    assert given_names_agree("bob", "robert")
    assert given_names_agree("r", "robert")
    assert not given_names_agree("bob", "mary")


@pytest.mark.parametrize(
    ("remark", "parts"),
    [
        ("李思远-墨川-采购", ("李思远", "墨川", "采购", None)),
        ("墨川数据/李思远/采购经理", ("李思远", "墨川数据", "采购经理", None)),
        ("采购经理 李思远 墨川数据", ("李思远", "墨川数据", "采购经理", None)),
        ("李思远（墨川）采购总监", ("李思远", "墨川", "采购总监", None)),
        ("李思远采购总监", ("李思远", None, "采购总监", None)),
        ("李思远 13900001234", ("李思远", None, None, "13900001234")),
        ("杭州墨川数据服务有限公司 李思远", ("李思远", "杭州墨川数据服务有限公司", None, None)),
        ("李總", ("李", None, None, None)),
        ("", (None, None, None, None)),
    ],
)
def test_a_remark_is_taken_apart(remark: str, parts: tuple[str | None, ...]) -> None:
    found = read_remarks([remark])[0]
    assert (found.name, found.company, found.title, found.phone) == parts


def test_a_known_company_tells_it_from_a_name() -> None:
    assert read_remarks(["云栖|陈晨"], {"云栖"})[0].name == "陈晨"
    assert read_remarks(["墨川李思远"], {"墨川"})[0].company == "墨川"
