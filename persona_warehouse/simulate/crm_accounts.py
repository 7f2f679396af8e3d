"""Companies, contacts and leads as salespeople keep them: late, with blanks, slips and doubles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from persona_warehouse.simulate import flaws, words
from persona_warehouse.simulate.dice import Dice
from persona_warehouse.simulate.records import Identity, Sheet
from persona_warehouse.simulate.world import Company, Person, World

YES_NO = {"是": "true", "否": "false"}
LIFECYCLES = {
    "线索": "lead",
    "市场合格": "marketingqualifiedlead",
    "销售合格": "salesqualifiedlead",
    "商机": "opportunity",
    "成交客户": "customer",
}
SENIORITIES = {
    "高管": "executive",
    "副总": "vp",
    "总监": "director",
    "经理": "manager",
    "主管": "senior",
    "员工": "entry",
}
BUYING_ROLES = {
    "决策者": "DECISION_MAKER",
    "预算负责人": "BUDGET_HOLDER",
    "影响者": "INFLUENCER",
    "推动者": "CHAMPION",
    "使用者": "END_USER",
    "法务合规": "LEGAL_AND_COMPLIANCE",
}
LEAD_STATUSES = {
    "新线索": "NEW",
    "待跟进": "OPEN",
    "跟进中": "IN_PROGRESS",
    "未联系上": "ATTEMPTED_TO_CONTACT",
    "已联系": "CONNECTED",
    "已转商机": "OPEN_DEAL",
    "无效": "UNQUALIFIED",
}
INDUSTRIES = {
    written: industry
    for industry, ways in words.INDUSTRY_WRITTEN.items()
    for written in ways
    if written != industry
}  # fmt: skip

COMPANY_HEADERS = {
    "company_id": "Account ID",
    "name": "Account Name",
    "domain": "Domain",
    "website": "Website",
    "uscc": "Credit Code",
    "industry": "Industry",
    "employee_count": "Employees",
    "annual_revenue": "Annual Revenue",
    "currency": "Currency",
    "country": "Country",
    "province": "Province",
    "city": "City",
    "address": "Address",
    "founded_year": "Founded",
    "funding_stage": "Funding Stage",
    "total_funding": "Total Funding",
    "parent_company_id": "Parent Account ID",
    "owner_id": "Owner",
    "lifecycle_stage": "Lifecycle",
    "created_at": "Created At",
    "updated_at": "Updated At",
    "is_deleted": "Deleted",
    "merged_into_id": "Merged Into",
}
CONTACT_HEADERS = {
    "contact_id": "联系人编号",
    "company_id": "客户编号",
    "full_name": "姓名",
    "email": "邮箱",
    "phone": "手机",
    "unionid": "UnionID",
    "openid": "OpenID",
    "job_title": "职位",
    "department": "部门",
    "seniority": "级别",
    "buying_role": "采购角色",
    "lifecycle_stage": "客户阶段",
    "lead_status": "跟进状态",
    "lead_source": "来源",
    "created_at": "创建时间",
    "updated_at": "更新时间",
    "is_deleted": "已删除",
    "merged_into_id": "合并至",
}
LEAD_HEADERS = {
    "lead_id": "线索编号",
    "company_name": "公司",
    "full_name": "姓名",
    "email": "邮箱",
    "phone": "手机",
    "unionid": "UnionID",
    "openid": "OpenID",
    "job_title": "职位",
    "department": "部门",
    "lifecycle_stage": "线索阶段",
    "lead_status": "线索状态",
    "lead_source": "线索来源",
    "score": "评分",
    "converted_contact_id": "转化联系人",
    "converted_deal_id": "转化商机",
    "created_at": "创建时间",
    "updated_at": "更新时间",
    "is_deleted": "已删除",
}

REMARKS = ("已加微信", "展会认识, 要报价", "转介绍", "需要私有化部署", "预算年底确定", "对接人可能换岗")
OWNERS = tuple(f"S{number:02d}" for number in range(1, 13))


@dataclass
class Accounts:
    """The three sheets, and what the deals need of them.

    Attributes:
        company_ids: world index of a company -> its CRM ids, the surviving one first.
        contact_ids: world index of a person -> their CRM contact id, of those that were not merged away.
        converted: world index of a person -> the lead row that became a contact.
    """

    companies: Sheet = field(default_factory=lambda: Sheet("crm/companies.csv", COMPANY_HEADERS, ("客户级别", "备注")))
    contacts: Sheet = field(default_factory=lambda: Sheet("crm/contacts.csv", CONTACT_HEADERS, ("备注",)))
    leads: Sheet = field(default_factory=lambda: Sheet("crm/leads.csv", LEAD_HEADERS, ("备注",)))
    company_ids: dict[int, list[str]] = field(default_factory=dict)
    contact_ids: dict[int, str] = field(default_factory=dict)
    converted: dict[int, dict[str, str]] = field(default_factory=dict)
    identities: list[Identity] = field(default_factory=list)


def owner(company: int) -> str:
    """The salesperson of a company."""
    return OWNERS[company * 7 % len(OWNERS)]


def accounts(world: World) -> Accounts:
    """Companies, contacts and leads of the CRM."""
    book = Accounts()
    _companies(world, book)
    _contacts(world, book)
    _leads(world, book)
    dice = Dice(world.seed, "crm spoiled")
    book.companies.spoil(dice, "company_id", "created_at", "bad_date", "2026-13-45 09:00:00")
    book.companies.spoil(dice, "company_id", "employee_count", "bad_number", "约两百人")
    book.contacts.spoil(dice, "contact_id", "updated_at", "bad_date", "上周三")
    book.leads.spoil(dice, "lead_id", "score", "bad_number", "高")
    return book


def text_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def lifecycle(company: Company | None) -> str:
    """How far the sales team counts a company."""
    reached = company.journey.furthest if company else "need"
    stages = {"need": "线索", "seek": "市场合格", "weigh": "销售合格", "decide": "商机"}
    return stages.get(reached, "成交客户")


def _known_since(world: World) -> dict[int, float]:
    """The day on which each company came into the CRM: with its first lead, its first talks, or a bought list."""
    dice = Dice(world.seed, "crm known")
    since: dict[int, float] = {}
    for person in world.people:
        if person.company is not None and person.lead_at is not None:
            since[person.company] = min(since.get(person.company, 1e9), person.lead_at)
    for index, company in enumerate(world.companies):
        weigh = company.journey.at("weigh")
        listed = dice.between(0, world.window.days * 0.98) if dice.chance(0.45) else None
        days = [day for day in (since.get(index), weigh) if day is not None]
        if days:
            since[index] = min(days)
        elif listed is not None:
            since[index] = listed
    return since


def _later(dice: Dice, world: World, day: float) -> float:
    """A day between that one and the end: the last change of a row."""
    return dice.between(day, world.window.days - 0.01)


def _companies(world: World, book: Accounts) -> None:
    dice = Dice(world.seed, "crm companies")
    since = _known_since(world)
    plans = [(day, index, 0) for index, day in since.items()]
    for index, day in since.items():
        if dice.chance(0.05):
            plans.append((_later(dice, world, day), index, 1))
    plans.sort()
    numbers = {(index, copy): f"KH{number:06d}" for number, (_, index, copy) in enumerate(plans, 1)}
    by_truth_id = {company.company_id: index for index, company in enumerate(world.companies)}
    for day, index, copy in plans:
        company = world.companies[index]
        crm_id = numbers[index, copy]
        merged = copy == 1 and dice.chance(0.6)
        changed = world.window.office_time(_later(dice, world, day))
        parent = by_truth_id.get(company.parent_company_id or "")
        book.company_ids.setdefault(index, []).append(crm_id)
        book.identities.append(Identity("crm", "companies", crm_id, "company_id", "company", None, company.company_id))
        book.companies.rows.append(
            {
                "company_id": crm_id,
                "name": _company_name(dice, company) if copy == 0 else _other_name(dice, company),
                "domain": flaws.blank(dice, company.domain, 0.35),
                "website": flaws.blank(dice, f"https://www.{company.domain}/", 0.5),
                "uscc": flaws.blank(dice, company.uscc if dice.chance(0.96) else company.uscc.lower(), 0.4),
                "industry": flaws.blank(dice, _industry(dice, company), 0.15),
                "employee_count": flaws.blank(dice, str(company.employee_count), 0.3),
                "annual_revenue": flaws.blank(dice, flaws.money(dice, company.annual_revenue), 0.45),
                "currency": flaws.blank(dice, "CNY", 0.5),
                "country": flaws.blank(dice, "中国", 0.3),
                "province": flaws.blank(dice, company.place.province, 0.2),
                "city": flaws.blank(dice, company.place.city if dice.chance(0.7) else company.place.name, 0.2),
                "address": flaws.blank(dice, company.address, 0.45),
                "founded_year": flaws.blank(dice, str(company.founded_year), 0.4),
                "funding_stage": flaws.blank(dice, company.funding_stage, 0.5),
                "total_funding": flaws.blank(dice, flaws.money(dice, company.total_funding), 0.4)
                if company.total_funding
                else "",
                "parent_company_id": numbers.get((parent, 0), "") if parent is not None else "",
                "owner_id": owner(index),
                "lifecycle_stage": lifecycle(company),
                "created_at": text_time(world.window.office_time(day)),
                "updated_at": text_time(changed),
                "is_deleted": "否",
                "merged_into_id": numbers[index, 0] if merged else "",
                "客户级别": flaws.blank(dice, dice.pick(("A", "B", "C")), 0.4),
                "备注": flaws.blank(dice, dice.pick(REMARKS), 0.7),
            }
        )


def _company_name(dice: Dice, company: Company) -> str:
    mark = dice.uniform()
    if mark < 0.72:
        return company.legal_name
    if mark < 0.86:
        return company.short_name
    if mark < 0.91:
        return company.english_name
    return company.traditional_name if mark < 0.95 else flaws.typo(dice, company.legal_name)


def _other_name(dice: Dice, company: Company) -> str:
    """The name under which a company was entered a second time."""
    return dice.pick(
        (company.short_name, company.english_name, company.traditional_name, flaws.typo(dice, company.legal_name))
    )


def _industry(dice: Dice, company: Company) -> str:
    ways = words.INDUSTRY_WRITTEN[company.trade.industry]
    written = dice.pick(ways) if dice.chance(0.35) else ways[0]
    return flaws.typo(dice, written) if dice.chance(0.02) else written


def _contacts(world: World, book: Accounts) -> None:
    dice = Dice(world.seed, "crm contacts")
    plans: list[tuple[float, int, int]] = []
    for index, person in enumerate(world.people):
        if person.company is None or person.company not in book.company_ids:
            continue
        story = world.companies[person.company].journey
        weigh = story.at("weigh")
        if weigh is None:
            if person.lead_at is None or not dice.chance(0.25):
                continue
            day = person.lead_at + 0.3
        else:
            if not (dice.chance(0.86) or index < 3):
                continue
            met = person.lead_at if person.lead_at is not None else dice.between(weigh, max(story.ends, weigh))
            day = max(met, weigh) + 0.1
        day = min(day, world.window.days - 0.015)
        plans.append((day, index, 0))
        if dice.chance(0.06) and index >= 3:
            plans.append((_later(dice, world, day), index, 1))
    plans.sort()
    numbers = {(index, copy): f"LX{number:06d}" for number, (_, index, copy) in enumerate(plans, 1)}
    for day, index, copy in plans:
        person = world.people[index]
        company = world.companies[person.company or 0]
        crm_id = numbers[index, copy]
        merged = copy == 1 and dice.chance(0.5)
        if copy == 0:
            book.contact_ids[index] = crm_id
        book.identities.append(
            Identity("crm", "contacts", crm_id, "contact_id", "person", person.person_id, company.company_id)
        )
        company_ids = book.company_ids[person.company or 0]
        book.contacts.rows.append(
            {
                "contact_id": crm_id,
                "company_id": flaws.blank(dice, company_ids[-1] if dice.chance(0.3) else company_ids[0], 0.04),
                "full_name": flaws.typo(dice, person.full_name) if dice.chance(0.02) else _written_name(dice, person),
                **_reach(dice, person, company, copy),
                "unionid": person.unionid if person.follows and dice.chance(0.08) else "",
                "openid": person.openid if person.follows and dice.chance(0.08) else "",
                "job_title": flaws.blank(dice, person.title, 0.2),
                "department": flaws.blank(dice, person.post.department if person.post else "", 0.4),
                "seniority": flaws.blank(dice, _written(SENIORITIES, person.post and person.post.seniority), 0.5),
                "buying_role": flaws.blank(dice, _written(BUYING_ROLES, person.post and person.post.buying_role), 0.7),
                "lifecycle_stage": lifecycle(company),
                "lead_status": flaws.blank(dice, "已转商机" if company.journey.at("weigh") else "跟进中", 0.4),
                "lead_source": flaws.blank(dice, person.lead_source, 0.2),
                "created_at": text_time(world.window.office_time(day)),
                "updated_at": text_time(world.window.office_time(_later(dice, world, day))),
                "is_deleted": "是" if dice.chance(0.01) and copy == 0 and index >= 3 else "否",
                "merged_into_id": numbers[index, 0] if merged else "",
                "备注": flaws.blank(dice, dice.pick(REMARKS), 0.7),
            }
        )


def _written(words_of: dict[str, str], meaning: str | None) -> str:
    return next((word for word, means in words_of.items() if means == meaning), "")


def _written_name(dice: Dice, person: Person) -> str:
    return person.latin_name if dice.chance(0.05) else flaws.called(dice, person.full_name)


def _reach(dice: Dice, person: Person, company: Company | None, copy: int) -> dict[str, str]:
    """E-mail and phone as entered. A second copy has the other address; colleagues may share the switchboard."""
    address = person.work_email or person.free_email
    if person.free_email and (copy == 0 or not person.work_email) and dice.chance(0.75):
        address = person.free_email
    written = flaws.blank(dice, flaws.email(dice, address), 0.3)
    number = flaws.phone(dice, person.mobile)
    if company is not None and dice.chance(0.12):
        number = company.switchboard
    return {"email": written, "phone": number if not written and dice.chance(0.9) else flaws.blank(dice, number, 0.3)}


def _leads(world: World, book: Accounts) -> None:
    dice = Dice(world.seed, "crm leads")
    plans: list[tuple[float, int, int]] = []
    for index, person in enumerate(world.people):
        if person.lead_at is None:
            continue
        plans.append((person.lead_at, index, 0))
        if dice.chance(0.04):
            plans.append((_later(dice, world, person.lead_at), index, 1))
    plans.sort()
    for number, (day, index, copy) in enumerate(plans, 1):
        person = world.people[index]
        company = None if person.company is None else world.companies[person.company]
        lead_id = f"XS{number:06d}"
        # a form arrives by itself some minutes after it was sent; the others are typed the same day
        created = world.window.office_time(day) + timedelta(minutes=dice.whole(2, 25))
        contact = book.contact_ids.get(index, "") if copy == 0 else ""
        qualified = bool(contact) and company is not None and company.journey.at("weigh") is not None
        by_wechat = bool(person.follows) and person.lead_source == "公众号"
        row = {
            "lead_id": lead_id,
            "company_name": flaws.blank(dice, _lead_company(dice, company), 0.1),
            "full_name": _written_name(dice, person),
            **_reach(dice, person, None, copy),
            "unionid": person.unionid if by_wechat and dice.chance(0.2) else "",
            "openid": person.openid if by_wechat and dice.chance(0.6) else "",
            "job_title": flaws.blank(dice, person.title, 0.3),
            "department": flaws.blank(dice, person.post.department if person.post else "", 0.5),
            "lifecycle_stage": lifecycle(company) if qualified else ("市场合格" if dice.chance(0.35) else "线索"),
            "lead_status": _lead_status(dice, qualified, company is None, world.window.days - day),
            "lead_source": person.lead_source,
            "score": flaws.blank(dice, f"{30 + 60 * person.influence * dice.uniform() + 10 * qualified:.1f}", 0.3),
            "converted_contact_id": contact if qualified else "",
            "converted_deal_id": "",
            "created_at": text_time(created),
            "updated_at": text_time(max(created, world.window.office_time(_later(dice, world, day)))),
            "is_deleted": "否",
            "备注": flaws.blank(dice, dice.pick(REMARKS), 0.75),
        }
        if qualified:
            book.converted[index] = row
        book.leads.rows.append(row)
        company_id = company.company_id if company else None
        book.identities.append(Identity("crm", "leads", lead_id, "lead_id", "person", person.person_id, company_id))


def _lead_company(dice: Dice, company: Company | None) -> str:
    if company is None:
        return dice.pick(words.STRANGER_COMPANIES)
    return dice.weighted(
        (
            company.short_name,
            company.legal_name,
            company.brand,
            company.english_name,
            company.traditional_name,
            flaws.typo(dice, company.short_name),
        ),
        (45, 30, 10, 4, 3, 8),
    )


def _lead_status(dice: Dice, qualified: bool, stranger: bool, age: float) -> str:
    if qualified:
        return dice.weighted(("已转商机", "已联系"), (70, 30))
    if age < 5:
        return "新线索"
    if stranger:
        return dice.weighted(("无效", "未联系上"), (70, 30))
    return dice.weighted(("待跟进", "跟进中", "未联系上", "无效"), (35, 35, 20, 10))
