"""Titles: what each rule of the reader gives. None of these is taken from the sample world."""

from __future__ import annotations

import pytest

from persona_warehouse.recognise.titles import UNKNOWN, title_reader
from persona_warehouse.recognise.vocabulary import rows_of


@pytest.mark.parametrize(
    ("title", "seniority", "function"),
    [
        # a chinese post ends with its level, an english one has its head before `of`
        ("区域销售经理", "manager", "sales"),
        ("质量体系工程师", "staff", "quality"),
        ("Director of Supply Chain", "director", "supply_chain"),
        ("Supply Chain Director", "director", "supply_chain"),
        ("VP, Human Resources", "vp", "human_resources"),
        ("Manager - Quality Assurance", "manager", "quality"),
        ("Head of Procurement", "director", "purchasing"),
        # grades raise staff and nothing else
        ("高级财务分析师", "senior", "finance"),
        ("Senior Manager, Finance", "manager", "finance"),
        ("Principal Engineer", "senior", "engineering"),
        # deputies and assistants
        ("副总裁", "vp", "general_management"),
        ("副厂长", "director", "production"),
        ("生产总监助理", "staff", "production"),
        ("Assistant to the Managing Director", "staff", "administration"),
        ("Assistant Manager, Logistics", "manager", "logistics"),
        # who leads a part is not who leads the whole
        ("总经理", "c_level", "general_management"),
        ("华南区销售总经理", "vp", "sales"),
        ("General Manager, Operations", "vp", "operations"),
        # several posts: the highest tells
        ("监事兼财务总监", "board", "finance"),
        ("联合创始人 & COO", "founder", "operations"),
        ("法务部部长", "manager", "legal"),
        # a deputy's share of the whole stands behind him
        ("副总经理（运营）", "vp", "operations"),
        ("常务副总（市场营销）", "vp", "marketing"),
        ("总经理（华东）", "c_level", "general_management"),
        # projects are how work is done, not what it is
        ("数字化项目经理", "manager", "information_technology"),
        ("Project Manager", "manager", "project_management"),
        # the assistant of the head of all works in his office
        ("GM Assistant", "staff", "administration"),
        # what looks like a level and is none
        ("Account Executive", "staff", "sales"),
        ("大客户经理", "staff", "sales"),
        ("HR Business Partner", "staff", "human_resources"),
        ("Channel Partner Manager", "manager", "business_development"),
        ("Marketing Intern", "intern", "marketing"),
        # other scripts and widths
        ("採購總監", "director", "purchasing"),
        ("ＩＴ　Ｍａｎａｇｅｒ", "manager", "information_technology"),
        ("😀 研发总监", "director", "research_and_development"),
        # slips of the pen
        ("财务总鉴", "director", "finance"),
        ("市场部经里", "manager", "marketing"),
        ("Finace Manager", "manager", "finance"),
        ("Purchasing Manger", "manager", "purchasing"),
        ("C T O", "c_level", "engineering"),
        # an ending that many titles share is no slip of another one
        ("线长", "senior", "production"),
        # what is led may stand behind in brackets
        ("主管（仓储）", "manager", "logistics"),
        # the office of something is not the office
        ("流程优化办公室主任", "manager", "operations"),
        # how Taiwan calls them
        ("財務長", "c_level", "finance"),
        ("業務副理", "manager", "sales"),
        ("韌體工程師", "staff", "engineering"),
        # the state, hospitals, schools, mills
        ("党委书记", "c_level", "general_management"),
        ("纪委副书记", "director", "audit_risk"),
        ("心内科主治医师", "staff", "healthcare"),
        ("护理部副主任", "manager", "healthcare"),
        ("教务处处长", "director", "education"),
        ("炼钢分厂值班长", "senior", "production"),
        ("总法律顾问", "c_level", "legal"),
        # short for longer words
        ("Proj. Mgr.", "manager", "project_management"),
        ("Gen. Mgr.", "c_level", "general_management"),
        ("Dir., Mktg", "director", "marketing"),
        # engineers of a function are of that function
        ("IT Maintenance Technician", "staff", "maintenance"),
        ("Accounts Receivable Clerk", "staff", "finance"),
        ("保险代理", "staff", "sales"),
        # a form of address
        ("李总", "c_level", "general_management"),
        # only the one or the other is known
        ("部长", "manager", UNKNOWN),
        ("信息部", UNKNOWN, "information_technology"),
    ],
)
def test_a_title_is_read(title: str, seniority: str, function: str) -> None:
    found = title_reader().read(title)
    assert (found.seniority, found.job_function) == (seniority, function)


@pytest.mark.parametrize("title", [None, "", " ", "无", "测试", "111", "N/A", "-", "🙂", "张伟", "x", "某某", "Kevin"])
def test_what_is_no_title_stays_unknown(title: str | None) -> None:
    found = title_reader().read(title)
    assert (found.seniority, found.job_function, found.confidence, found.matched_terms) == (UNKNOWN, UNKNOWN, 0.0, ())


@pytest.mark.parametrize("title", ["director", "Contractor", "MVP", "Doctor", "conductor"])
def test_letters_inside_a_word_are_no_term(title: str) -> None:
    assert not {"cto", "vp"} & set(title_reader().read(title).matched_terms)


def test_a_slip_is_less_sure_and_says_so() -> None:
    right, slip = title_reader().read("财务经理"), title_reader().read("财务经里")
    assert slip.confidence < right.confidence
    assert slip.matched_terms == ("财务", "经里→经理")


def test_several_posts_keep_the_other_functions() -> None:
    found = title_reader().read("采购总监兼行政经理")
    assert (found.job_function, found.other_functions) == ("purchasing", ("administration",))
    assert found.department == "purchasing"
    assert found.duties == ("source and compare offers", "manage suppliers", "negotiate contracts")


def test_a_decision_role_is_a_guess_with_a_confidence() -> None:
    found = title_reader().read("首席财务官")
    assert (found.decision_role, found.buying_influence, found.buying_role) == ("final", "economic", "BUDGET_HOLDER")
    assert found.decision_confidence is not None
    assert 0 < found.decision_confidence < found.confidence


def test_a_former_post_gives_way_to_a_present_one() -> None:
    assert title_reader().read("前财务总监/顾问").seniority == "staff"
    assert title_reader().read("Owner; ex-Siemens HR Manager").seniority == "founder"


@pytest.mark.parametrize(
    "title", ["前财务总监", "原任采购经理", "ex-Head of Sales", "Retired Teacher", "退休医生", "法务经理（已离职）"]
)
def test_who_has_only_a_former_post_has_none(title: str) -> None:
    found = title_reader().read(title)
    assert (found.seniority, found.job_function, found.decision_role, found.confidence) == (UNKNOWN, UNKNOWN, None, 0.0)
    assert len(found.matched_terms) >= 2


def test_the_dictionaries_name_nothing_that_does_not_exist() -> None:
    seniorities = {row["seniority"] for row in rows_of("titles/seniorities")} | {""}
    functions = {row["job_function"] for row in rows_of("titles/job_functions")} | {""}
    terms = [row["term"] for row in rows_of("titles/title_terms")]
    assert len(terms) == len(set(terms)) > 2000
    assert {row["seniority"] for row in rows_of("titles/title_terms")} == seniorities
    assert {row["job_function"] for row in rows_of("titles/title_terms")} == functions
    for row in rows_of("titles/decision_roles"):
        assert row["seniority"] in seniorities
        assert row["job_function"] in functions | {"*"}
        assert row["decision_role"] in ("final", "user", "adviser")
        assert 0 < float(row["confidence"]) <= 1
