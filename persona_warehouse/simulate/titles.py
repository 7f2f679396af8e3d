"""Posts in a company: how they stand on cards, and what they truly are. The vocabularies are the field's."""

from __future__ import annotations

from typing import NamedTuple


class Post(NamedTuple):
    """A post.

    Attributes:
        written: how it stands on cards, in CRMs and in chats; short forms and slips among them.
        seniority: staff, senior, manager, director, vp, c_level or founder.
        decision_role: what its holder usually is in a purchase: final, adviser or user.
        buying_role: HubSpot's name for that.
        duties: what the holder is measured by, and what troubles them: (kpi, pain) pairs.
    """

    written: tuple[str, ...]
    department: str
    function: str
    seniority: str
    decision_role: str
    buying_role: str
    duties: tuple[tuple[str, str], ...]


_OWNER = (("profit", "growth_stalls"), ("revenue", "no_overview"))
_IT = (("uptime", "legacy_systems"), ("project_delivery", "integration_effort"))
_OPS = (("cost_per_order", "manual_work"), ("on_time_rate", "departments_apart"))
_BUY = (("savings", "price_pressure"), ("supplier_quality", "slow_approval"))
_MONEY = (("closing_days", "scattered_data"), ("cost_ratio", "budget_overrun"))
_SUPPLY = (("inventory_turnover", "stock_outs"), ("on_time_rate", "manual_work"))
_MAKE = (("output", "plan_changes"), ("yield", "downtime"))
_SELL = (("new_customers", "lead_quality"), ("campaign_roi", "scattered_data"))
_LAW = (("contract_days", "data_compliance"),)

FINAL_POSTS = (
    Post(
        ("创始人/CEO", "创始人兼总经理", "联合创始人", "Founder & CEO", "Co-founder"),
        "总经办",
        "executive",
        "founder",
        "final",
        "DECISION_MAKER",
        _OWNER,
    ),
    Post(
        ("总经理", "CEO", "首席执行官", "GM", "总裁"),
        "总经办",
        "executive",
        "c_level",
        "final",
        "DECISION_MAKER",
        _OWNER,
    ),
    Post(
        ("首席信息官", "CIO", "集团CIO", "首席信息官（CIO）"),
        "信息部",
        "it",
        "c_level",
        "final",
        "DECISION_MAKER",
        _IT,
    ),
    Post(
        ("副总经理（运营）", "运营副总裁", "VP of Ops", "VP Operations", "运营VP"),
        "运营部",
        "operations",
        "vp",
        "final",
        "DECISION_MAKER",
        _OPS,
    ),
    Post(
        ("采购总监兼行政经理", "采购总监", "Director of Procurement", "采购部总监"),
        "采购部",
        "procurement",
        "director",
        "final",
        "BUDGET_HOLDER",
        _BUY,
    ),
    Post(
        ("供应链总监", "供应链负责人", "Head of Supply Chain"),
        "供应链部",
        "supply_chain",
        "director",
        "final",
        "DECISION_MAKER",
        _SUPPLY,
    ),
)
ADVISER_POSTS = (
    Post(
        ("IT总监", "信息中心主任", "Head of IT", "IT Director", "信息化总监"),
        "信息部",
        "it",
        "director",
        "adviser",
        "INFLUENCER",
        _IT,
    ),
    Post(
        ("IT运维负责人", "流程与IT经理", "IT经理", "IT Manager", "IT 经理"),
        "信息部",
        "it",
        "manager",
        "adviser",
        "INFLUENCER",
        _IT,
    ),
    Post(
        ("财务总监", "Finance Director", "财务部总监"),
        "财务部",
        "finance",
        "director",
        "adviser",
        "BUDGET_HOLDER",
        _MONEY,
    ),
    Post(
        ("首席财务官", "CFO", "首席财务官CFO"),
        "财务部",
        "finance",
        "c_level",
        "adviser",
        "BUDGET_HOLDER",
        _MONEY,
    ),
    Post(
        ("数字化转型经理", "数字化项目经理", "Digital Transformation Manager"),
        "信息部",
        "it",
        "manager",
        "adviser",
        "CHAMPION",
        _IT,
    ),
    Post(
        ("采购经理", "采购部经理", "Procurement Manager", "采购经理/招标负责人"),
        "采购部",
        "procurement",
        "manager",
        "adviser",
        "INFLUENCER",
        _BUY,
    ),
    Post(
        ("高级系统架构师", "高级系统工程师", "Senior Engineer", "Sr. Systems Engineer"),
        "信息部",
        "it",
        "senior",
        "adviser",
        "INFLUENCER",
        _IT,
    ),
    Post(
        ("法务经理", "法务合规经理", "Legal Manager"),
        "法务部",
        "legal",
        "manager",
        "adviser",
        "LEGAL_AND_COMPLIANCE",
        _LAW,
    ),
    Post(
        ("总经理助理", "董事长助理", "GM Assistant"),
        "总经办",
        "administration",
        "staff",
        "adviser",
        "INFLUENCER",
        _OWNER,
    ),
)
USER_POSTS = (
    Post(
        ("供应链经理", "供应链计划经理", "Supply Chain Manager", "SC Manager"),
        "供应链部",
        "supply_chain",
        "manager",
        "user",
        "END_USER",
        _SUPPLY,
    ),
    Post(
        ("生产部长", "车间主任", "生产经理", "Production Manager"),
        "生产部",
        "production",
        "manager",
        "user",
        "END_USER",
        _MAKE,
    ),
    Post(
        ("运营经理", "Operations Manager", "运营部经理"),
        "运营部",
        "operations",
        "manager",
        "user",
        "CHAMPION",
        _OPS,
    ),
    Post(("调度员", "调度专员", "Dispatcher"), "运营部", "operations", "staff", "user", "END_USER", _OPS),
    Post(
        ("市场经理", "市场部经理", "Marketing Manager", "Mktg Manager"),
        "市场部",
        "marketing",
        "manager",
        "user",
        "END_USER",
        _SELL,
    ),
    Post(("销售经理", "Sales Manager", "大区销售经理"), "销售部", "sales", "manager", "user", "END_USER", _SELL),
    Post(
        ("数据分析师", "Data Analyst", "商业数据分析师"),
        "运营部",
        "data",
        "staff",
        "user",
        "END_USER",
        _OPS,
    ),
    Post(
        ("高级数据分析师", "Senior Data Analyst", "资深数据分析师"),
        "运营部",
        "data",
        "senior",
        "user",
        "END_USER",
        _OPS,
    ),
    Post(("采购专员", "采购助理", "Buyer"), "采购部", "procurement", "staff", "user", "END_USER", _BUY),
    Post(
        ("仓储主管", "仓库主管", "Warehouse Supervisor"),
        "供应链部",
        "supply_chain",
        "senior",
        "user",
        "END_USER",
        _SUPPLY,
    ),
    Post(("会计", "费用会计", "Accountant"), "财务部", "finance", "staff", "user", "END_USER", _MONEY),
    Post(("质量经理", "品质部经理", "QA Manager"), "质量部", "quality", "manager", "user", "END_USER", _MAKE),
)  # fmt: skip

# who decides depends on the kind of company: weights over FINAL_POSTS, by persona
FINAL_WEIGHTS = {
    "chain_growth": (5, 3, 0.5, 2, 0.5, 1),
    "factory_upgrade": (0.5, 1.5, 4, 1, 1.5, 3),
    "data_native": (2, 1, 2, 5, 0.5, 0.5),
    "background": (2, 3, 1, 1, 2, 1),
}

# the role that a post's holder really has is now and then another one than usual
USUAL_ROLE = 0.92
BUYING_ROLE = {"final": "DECISION_MAKER", "adviser": "INFLUENCER", "user": "END_USER"}
# Miller and Heiman's influences
INFLUENCES = ("economic", "user", "technical", "coach")


def buying_influence(decision_role: str, buying_role: str) -> str:
    """The influence on the purchase in the sense of Miller and Heiman."""
    if buying_role == "CHAMPION":
        return "coach"
    return {"final": "economic", "adviser": "technical", "user": "user"}[decision_role]


# what a CRM of HubSpot's kind calls the level
CRM_SENIORITY = {
    "founder": "owner",
    "c_level": "executive",
    "vp": "vp",
    "director": "director",
    "manager": "manager",
    "senior": "senior",
    "staff": "entry",
}
