"""What of a landing object goes with a person, what is cut out, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest

from persona_warehouse.landing.contract import STREAMS, contract, landing_schema, objects
from persona_warehouse.landing.erasing import BY, KINDS, Erasing, Patterns, People, give
from persona_warehouse.warehouse import scratch

ANN = {
    "email": ["Ann@Haihe.example"],
    "phone": ["+8613800001951", "138-0000-1951"],
    "openid": ["oVCSl-uOdQAy8xgoyJPwlgq7YzqU"],
    "unionid": ["u6_bd1a2b3c4d5e6f7081"],
    "contact": ["17"],
    "lead": ["90"],
    "user": ["u100"],
    "cookie": ["ck-1"],
    "interview": ["i1"],
}


@pytest.fixture(scope="module")
def ann() -> People:
    with scratch() as connection:
        return People.of(connection, ANN, names=["王小安"], companies=["c9"], company_names=["海河科技"])


def rows_of(stream: str, name: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    schema = landing_schema(stream, name)
    given = list(rows)
    return pa.table({f.name: pa.array([row.get(f.name) for row in given], f.type) for f in schema}, schema)


def erased(people: People, stream: str, name: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that stay, without their empty columns; the counts that go with them are checked too."""
    table = rows_of(stream, name, rows)
    with scratch() as connection:
        give(connection, people)
        connection.register("batch", table)
        erasing = Erasing(contract(stream, name), people, tuple(table.column_names))
        left = connection.execute(erasing.select("batch")).to_arrow_table().cast(table.schema)
        counts = f"select count(*) filter ({erasing.goes}), count(*) filter (not {erasing.goes} and {erasing.changes})"
        ((gone, cut),) = connection.execute(f"{counts} from batch").fetchall()
        connection.register("left_over", left)
        changed = connection.execute("select count(*) from (from left_over except all from batch)").fetchall()
    assert (table.num_rows - left.num_rows, changed[0][0]) == (gone, cut)
    return [{k: v for k, v in row.items() if v is not None} for row in left.to_pylist()]


def test_every_declaration_names_a_column_and_a_kind() -> None:
    declared = 0
    for stream in STREAMS:
        for shape in objects(stream).values():
            for column, kind in {**shape.erased_rows, **shape.erased_values}.items():
                declared += 1
                assert column in shape.columns
                assert kind in KINDS or kind.removeprefix(BY) in shape.columns
    assert declared > 30


def test_every_personal_key_of_an_object_is_declared() -> None:
    """A new object with such a column cannot be forgotten."""
    kinds = {"email", "phone", "openid", "unionid", "user_id", "anonymous_id", "contact_id", "lead_id"}
    missing = [
        f"{stream}.{shape.name}.{column}"
        for stream in STREAMS
        for shape in objects(stream).values()
        for column in shape.columns
        if (column in kinds or column.endswith(("_contact_id", "_lead_id")))
        and column not in {**shape.erased_rows, **shape.erased_values}
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("name", "theirs", "others"),
    [
        ("contacts", [{"contact_id": "17"}, {"contact_id": "5", "email": " ANN@haihe.example "},
                      {"contact_id": "6", "phone": "0086 138 0000 1951"},
                      {"contact_id": "7", "phone": "１３８００００１９５１"}],
         [{"contact_id": "170", "email": "joann@haihe.example", "phone": "138-0000-19510"}]),
        ("leads", [{"lead_id": "90"}, {"lead_id": "1", "openid": "oVCSl-uOdQAy8xgoyJPwlgq7YzqU"}], [{"lead_id": "17"}]),
        ("deal_contacts", [{"deal_id": "d", "contact_id": "17"}], [{"deal_id": "d", "contact_id": "18"}]),
        ("campaign_members", [{"campaign_member_id": "m", "lead_id": "90"}],
         [{"campaign_member_id": "n", "lead_id": "17"}]),
        ("interview_answers", [{"interview_id": "i1"}], [{"interview_id": "i2"}]),
        ("product_usage", [{"company_id": "c9", "user_id": "u100"}], [{"company_id": "c9", "user_id": "u1000"}]),
        ("lifecycle_stage_history",
         [{"record_type": "contact", "record_id": "17"}, {"record_type": "Lead", "record_id": "90"}],
         [{"record_type": "company", "record_id": "17"}, {"record_type": "lead", "record_id": "17"}]),
    ],
)  # fmt: skip
def test_rows_go_with_the_person_and_no_others(
    ann: People, name: str, theirs: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    assert erased(ann, "crm", name, [*theirs, *others]) == others


def test_events_go_by_cookie_user_and_what_was_typed(ann: People) -> None:
    mine = [{"event_id": "1", "anonymous_id": "ck-1"}, {"event_id": "2", "anonymous_id": "x", "user_id": "u100"},
            {"event_id": "3", "anonymous_id": "x", "email": "ann@haihe.example"}]  # fmt: skip
    left = [{"event_id": "4", "anonymous_id": "ck-11", "page_url": "https://a.example/?q=1"}]
    assert erased(ann, "website", "events", [*mine, *left]) == left


def test_a_reference_is_cut_and_the_row_stays(ann: People) -> None:
    given = [
        {"activity_id": "a", "activity_type": "call", "contact_id": "17", "company_id": "c9"},
        {"activity_id": "b", "activity_type": "call", "contact_id": "18", "company_id": "c9"},
    ]
    assert erased(ann, "crm", "activities", given) == [
        {"activity_id": "a", "activity_type": "call", "company_id": "c9"}, given[1],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"备注":"mail ann@haihe.example, 电话13800001951。"}', '{"备注":"mail [erased], 电话[erased]。"}'),
        ("ann@haihe.example,ann@haihe.example;ANN@HAIHE.EXAMPLE.", "[erased],[erased];[erased]."),
        ("+86 138 0000 1951 / (138)00001951", "[erased] / ([erased]"),
        ("https://x.example/?openid=oVCSl-uOdQAy8xgoyJPwlgq7YzqU&m=ann%40haihe.example", "https://x.example/?openid=[erased]&m=[erased]"),
        ("u6_bd1a2b3c4d5e6f7081", "[erased]"),
    ],
)  # fmt: skip
def test_texts_are_cleared_wherever_they_stand(ann: People, text: str, left: str) -> None:
    row = {"deal_id": "d", "closed_reason": text, "properties": text}
    assert erased(ann, "crm", "deals", [row]) == [{"deal_id": "d", "closed_reason": left, "properties": left}]
    assert Patterns.of(ann).clear(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "joann@haihe.example", "jo.ann@haihe.example", "ann@haihe.example.cn", "113800001951", "138000019512",
        "xoVCSl-uOdQAy8xgoyJPwlgq7YzqU", "王小安", "order 17 of u100",
    ],
)  # fmt: skip
def test_what_only_resembles_them_is_left_alone(ann: People, text: str) -> None:
    row = {"deal_id": "d", "company_id": "c8", "closed_reason": text, "properties": text}
    assert erased(ann, "crm", "deals", [row]) == [row]


def test_a_name_is_cleared_where_the_row_is_about_them_or_their_company(ann: People) -> None:
    given = [
        {"activity_id": "a", "activity_type": "t", "contact_id": "17", "properties": "与王小安通话"},
        {"activity_id": "b", "activity_type": "t", "company_id": "c9", "properties": "见了王小安"},
        {"activity_id": "c", "activity_type": "t", "company_id": "c8", "properties": "海河科技 王小安"},
        {"activity_id": "d", "activity_type": "t", "company_id": "c8", "properties": "王小安"},
    ]
    found = [row["properties"] for row in erased(ann, "crm", "activities", given)]
    assert found == ["与[erased]通话", "见了[erased]", "海河科技 [erased]", "王小安"]


def test_a_row_that_could_not_be_typed_goes_when_its_raw_text_names_them(ann: People) -> None:
    error = '[{"field": "updated_at", "rule": "not_timestamp"}]'
    given = [
        {"contact_id": None, "row_errors": error, "raw_row": '{"邮箱":"ann@haihe.example"}'},
        {"contact_id": None, "row_errors": error, "raw_row": '{"邮箱":"bob@haihe.example"}'},
    ]
    (found,) = erased(ann, "crm", "contacts", given)
    assert "bob" in found["raw_row"]


def test_of_who_only_left_us_on_wechat_the_crm_keeps_its_row(ann: People) -> None:
    gone = People({"openid": ann.identifiers["openid"]}, kept=frozenset({"crm", "website"}))
    openid = ANN["openid"][0]
    contact = {"contact_id": "17", "email": "ann@haihe.example", "openid": openid, "properties": f'{{"o":"{openid}"}}'}
    assert erased(gone, "crm", "contacts", [contact]) == [
        {"contact_id": "17", "email": "ann@haihe.example", "properties": '{"o":"[erased]"}'}
    ]
    event = {"event_id": "1", "anonymous_id": "ck-1", "openid": openid}
    assert erased(gone, "website", "events", [event]) == [{"event_id": "1", "anonymous_id": "ck-1"}]
    assert erased(gone, "wechat", "followers", [{"openid": openid}]) == []


def test_nobody_is_erased_by_nothing() -> None:
    with scratch() as connection:
        people = People.of(connection, {"email": ["", None], "phone": []})
    assert not people
    row = {"contact_id": "1", "email": "", "phone": "", "properties": "{}"}
    assert erased(people, "crm", "contacts", [row]) == [row]


def test_the_same_in_the_types_of_every_object(ann: People) -> None:
    """No object's columns break the SQL, and an empty object stays one."""
    for stream in STREAMS:
        for name in objects(stream):
            assert erased(ann, stream, name, []) == []


def test_a_text_in_hand_loses_the_name_in_lines_that_tell_the_company(ann: People) -> None:
    assert Patterns.of(ann).clear("海河科技 王小安\n王小安") == "海河科技 [erased]\n王小安"
