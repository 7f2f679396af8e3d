"""Companies, contacts and leads as salespeople keep them: late, with blanks, slips and doubles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from persona_warehouse.simulate import flaws, words
from persona_warehouse.simulate.dice import Dice
from persona_warehouse.simulate.people import Person
from persona_warehouse.simulate.records import TIME, Identity, Row, Sheet
from persona_warehouse.simulate.story import STAGES
from persona_warehouse.simulate.titles import CRM_SENIORITY, Post
from persona_warehouse.simulate.world import Company, World

YES_NO = {"是": "true", "否": "false"}
LIFECYCLES = {
    "线索": "lead",
    "市场合格": "marketingqualifiedlead",
    "销售合格": "salesqualifiedlead",
    "商机": "opportunity",
    "成交客户": "customer",
}
SENIORITIES = {
    "老板": "owner",
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
# how much each salesperson leaves out, 1 on average: habits differ more than companies do
CARE = dict(zip(OWNERS, (0.4, 1.6, 0.7, 1.0, 1.3, 0.6, 1.9, 0.9, 1.1, 0.5, 1.2, 0.8), strict=True))
RELATION_WORDS = {"prospect": "潜在客户", "competitor": "竞品", "partner": "伙伴"}

# the vendor's own people try their forms out
STAFF_LEADS = 0.008
STAFF_NAMES = ("测试", "test", "测试勿动", "111")


@dataclass(frozen=True)
class LeadPath:
    """How a lead truly went, in days of the story; None for what it never reached."""

    lead_id: str
    person: int
    raw: float
    mql: float | None
    sql: float | None


@dataclass
class Accounts:
    """The three sheets, and what the other sheets need of them.

    Attributes:
        company_ids: world index of a company -> (day, CRM id), the surviving one first.
        contacts_of: world index of a person -> (day, CRM id) of the contact at their first company.
        converted: world index of a person -> the lead row that became a contact.
        paths: how each lead of a person truly went.
    """

    companies: Sheet = field(
        default_factory=lambda: Sheet(
            "crm/companies.csv", COMPANY_HEADERS, "company_id", ("客户级别", "客户类型", "备注")
        )
    )
    contacts: Sheet = field(default_factory=lambda: Sheet("crm/contacts.csv", CONTACT_HEADERS, "contact_id", ("备注",)))
    leads: Sheet = field(default_factory=lambda: Sheet("crm/leads.csv", LEAD_HEADERS, "lead_id", ("备注",)))
    company_ids: dict[int, list[tuple[float, str]]] = field(default_factory=dict)
    contacts_of: dict[int, tuple[float, str]] = field(default_factory=dict)
    converted: dict[int, Row] = field(default_factory=dict)
    paths: list[LeadPath] = field(default_factory=list)

    def company_id(self, dice: Dice, company: int, day: float) -> str:
        """An id under which a company stood in the CRM on a day: mostly the first, sometimes that of a double."""
        known = [crm_id for since, crm_id in self.company_ids.get(company, []) if since <= day]
        if not known:
            return ""
        return known[-1] if dice.chance(0.3) else known[0]


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
    book.companies.spoil(dice, "created_at", "bad_date", "2026-13-45 09:00:00")
    book.companies.spoil(dice, "employee_count", "bad_number", "约两百人")
    book.contacts.spoil(dice, "updated_at", "bad_date", "上周三")
    book.leads.spoil(dice, "score", "bad_number", "高")
    return book


def lifecycle(company: Company | None, day: float) -> str:
    """How far the sales team counts a company on a day."""
    reached = 0
    if company is not None:
        reached = max((STAGES.index(stage) for stage, at in company.journey.entries if at <= day), default=0)
    return ("线索", "市场合格", "销售合格", "商机")[reached] if reached < 4 else "成交客户"


def _follow_lifecycle(row: Row, world: World, company: Company, day: float) -> None:
    """The row moves on with the company's stages, the day after."""
    shown = lifecycle(company, day)
    for _, at in company.journey.entries:
        now = lifecycle(company, at)
        if at > day and now != shown:
            shown = now
            row.change(world.window.office_time(min(at + 0.3, world.window.days - 0.01)), lifecycle_stage=now)


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
    """A day between that one and the end: somebody saves the row once more."""
    return dice.between(day, world.window.days - 0.01)


def _companies(world: World, book: Accounts) -> None:
    dice = Dice(world.seed, "crm companies")
    office = world.window.office_time
    since = _known_since(world)
    plans = [(day, index, 0) for index, day in since.items()]
    for index, day in since.items():
        if dice.chance(0.05):
            plans.append((_later(dice, world, day), index, 1))
    plans.sort()
    numbers = {(index, copy): f"KH{number:06d}" for number, (_, index, copy) in enumerate(plans, 1)}
    for day, index, copy in plans:
        company, crm_id, care = world.companies[index], numbers[index, copy], CARE[owner(index)]

        def blank(text: str, share: float, care: float = care) -> str:
            return flaws.blank(dice, text, min(share * care, 0.95))

        merged, changed = copy == 1 and dice.chance(0.6), _later(dice, world, day)
        book.company_ids.setdefault(index, []).append((day, crm_id))
        row = book.companies.add(
            office(day),
            Identity("crm", "companies", crm_id, "company_id", "company", None, company.company_id),
            company_id=crm_id,
            name=_company_name(dice, company) if copy == 0 else _other_name(dice, company),
            domain=blank(company.domain, 0.35),
            website=blank(f"https://www.{company.domain}/", 0.5),
            uscc=blank(company.uscc if dice.chance(0.96) else company.uscc.lower(), 0.4),
            industry=blank(_industry(dice, company), 0.15),
            employee_count=blank(str(company.employee_count), 0.3),
            annual_revenue=blank(flaws.money(dice, company.annual_revenue), 0.45),
            currency=blank("CNY", 0.5),
            country=blank("中国", 0.3),
            province=blank(company.place.province, 0.2),
            city=blank(company.place.city if dice.chance(0.7) else company.place.name, 0.2),
            address=blank(company.address, 0.45),
            founded_year=blank(str(company.founded_year), 0.4),
            funding_stage=blank(company.funding_stage, 0.5),
            total_funding=blank(flaws.money(dice, company.total_funding), 0.4) if company.total_funding else "",
            owner_id=owner(index),
            lifecycle_stage=lifecycle(company, day),
            created_at=office(day).strftime(TIME),
            is_deleted="否",
            客户级别=blank(dice.pick(("A", "B", "C")), 0.4),
            客户类型=blank(RELATION_WORDS[company.relation], 0.5),
            备注=flaws.blank(dice, dice.pick(REMARKS), 0.7),
        )
        row.change(office(changed))
        _follow_lifecycle(row, world, company, day)
        if company.parent is not None and (company.parent, 0) in numbers:
            # the parent may come into the CRM after its child
            seen = max(since[company.parent], day)
            if seen <= day:
                row.values["parent_company_id"] = numbers[company.parent, 0]
            else:
                row.change(office(seen), parent_company_id=numbers[company.parent, 0])
        if merged:
            row.change(office(_later(dice, world, day)), merged_into_id=numbers[index, 0])


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


def _contact_plans(dice: Dice, world: World, book: Accounts) -> list[tuple[float, int, int, int]]:
    """(day, person, copy, company) of every contact: copy 1 is a double, copy 2 the next employer's."""
    plans: list[tuple[float, int, int, int]] = []
    for index, person in enumerate(world.people):
        again, kept, seen = dice.chance(0.06) and index >= 3, dice.chance(0.86) or index < 3, dice.chance(0.25)
        if person.company is None or person.company not in book.company_ids:
            continue
        story = world.companies[person.company].journey
        weigh = story.at("weigh")
        if weigh is None:
            if person.lead_at is None or not seen:
                continue
            day = person.lead_at + 0.3
        elif not kept:
            continue
        else:
            met = person.lead_at if person.lead_at is not None else dice.between(weigh, max(story.ends, weigh))
            day = max(met, weigh) + 0.1
        day = min(day, world.window.days - 0.015)
        plans.append((day, index, 0, person.company))
        if again:
            plans.append((_later(dice, world, day), index, 1, person.company))
        move = person.move
        if move is not None and move.day > day and move.company in book.company_ids:
            # the salesperson stays in touch and enters them anew at the next company
            after = min(move.day + dice.span(10), world.window.days - 0.015)
            if book.company_ids[move.company][0][0] <= after:
                plans.append((after, index, 2, move.company))
    return sorted(plans)


def _contacts(world: World, book: Accounts) -> None:
    dice = Dice(world.seed, "crm contacts")
    office = world.window.office_time
    plans = _contact_plans(dice, world, book)
    numbers = {(index, copy): f"LX{number:06d}" for number, (_, index, copy, _) in enumerate(plans, 1)}
    for day, index, copy, at in plans:
        person, company, care = world.people[index], world.companies[at], CARE[owner(at)]
        crm_id = numbers[index, copy]

        def blank(text: str, share: float, care: float = care) -> str:
            return flaws.blank(dice, text, min(share * care, 0.95))

        merged = copy == 1 and dice.chance(0.5)
        deleted = dice.chance(0.01) and copy == 0 and index >= 3
        post, title = (
            (person.move.post, person.move.title) if copy == 2 and person.move else (person.post, person.title)
        )
        if copy == 0:
            book.contacts_of[index] = (day, crm_id)
        row = book.contacts.add(
            office(day),
            Identity("crm", "contacts", crm_id, "contact_id", "person", person.person_id, company.company_id),
            contact_id=crm_id,
            company_id=flaws.blank(dice, book.company_id(dice, at, day), 0.04),
            full_name=flaws.typo(dice, person.full_name) if dice.chance(0.02) else _written_name(dice, person),
            **_reach(dice, person, company, copy),
            unionid=person.unionid if person.follows and dice.chance(0.08) else "",
            openid=person.openid if person.follows and dice.chance(0.08) else "",
            job_title=blank(flaws.typo(dice, title) if dice.chance(0.015) else title, 0.2),
            department=blank(_department(dice, post), 0.4),
            seniority=blank(_written(SENIORITIES, post and CRM_SENIORITY[post.seniority]), 0.5),
            buying_role=blank(_written(BUYING_ROLES, person.buying_role), 0.7),
            lifecycle_stage=lifecycle(company, day),
            lead_status=flaws.blank(dice, "已转商机" if company.journey.at("weigh") else "跟进中", 0.4),
            lead_source=blank(person.lead_source, 0.2),
            created_at=office(day).strftime(TIME),
            is_deleted="否",
            备注=flaws.blank(dice, dice.pick(REMARKS), 0.7),
        )
        row.change(office(_later(dice, world, day)))
        _follow_lifecycle(row, world, company, day)
        if merged:
            row.change(office(_later(dice, world, day)), merged_into_id=numbers[index, 0])
        if deleted:
            row.change(office(_later(dice, world, day)), is_deleted="是")
        if copy == 0 and person.move is not None and person.move.day > day and dice.chance(0.5):
            row.change(office(person.move.day), 备注="已离职")


def _department(dice: Dice, post: Post | None) -> str:
    if post is None:
        return ""
    return post.department.removesuffix("部") + "中心" if dice.chance(0.06) else post.department


def _written(words_of: dict[str, str], meaning: str | None) -> str:
    return next((word for word, means in words_of.items() if means == meaning), "")


def _written_name(dice: Dice, person: Person) -> str:
    return person.latin_name if dice.chance(0.05) else flaws.called(dice, person.full_name)


def _reach(dice: Dice, person: Person, company: Company | None, copy: int) -> dict[str, str]:
    """E-mail and phone as entered. A second copy has the other address; colleagues may share the switchboard."""
    work = person.move.work_email if copy == 2 and person.move else person.work_email
    address = work or person.free_email
    if person.free_email and (copy == 0 or not work) and dice.chance(0.75):
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
        again = dice.chance(0.04)
        if person.lead_at is None:
            continue
        plans.append((person.lead_at, index, 0))
        if again:
            plans.append((_later(dice, world, person.lead_at), index, 1))
    for _ in range(round(len(plans) * STAFF_LEADS)):
        plans.append((dice.uniform() * world.window.days, -1, 0))
    plans.sort()
    for number, (day, index, copy) in enumerate(plans, 1):
        if index < 0:
            _staff_lead(dice, world, book, day, f"XS{number:06d}")
        else:
            _lead(dice, world, book, day, index, copy, f"XS{number:06d}")


def _staff_lead(dice: Dice, world: World, book: Accounts, day: float, lead_id: str) -> None:
    created = world.window.office_time(day)
    book.leads.add(
        created,
        Identity("crm", "leads", lead_id, "lead_id", "staff", None, None),
        lead_id=lead_id,
        company_name=dice.pick(("测试", "测试公司", "无")),
        full_name=dice.pick(STAFF_NAMES),
        email=dice.pick(words.STAFF_EMAILS),
        phone=flaws.blank(dice, "13800000000", 0.5),
        lifecycle_stage="线索",
        lead_status="新线索",
        lead_source="官网表单",
        created_at=created.strftime(TIME),
        is_deleted="否",
    )


def _lead(dice: Dice, world: World, book: Accounts, day: float, index: int, copy: int, lead_id: str) -> None:
    """One lead, and how it went: worked on by marketing, then by sales once the company weighs, then a deal."""
    office, end = world.window.office_time, world.window.days - 0.01
    person = world.people[index]
    company = None if person.company is None else world.companies[person.company]
    # a form arrives by itself some minutes after it was sent; the others are typed the same day
    created = office(day) + timedelta(minutes=dice.whole(2, 25))
    weigh = None if company is None else company.journey.at("weigh")
    contact = book.contacts_of.get(index) if copy == 0 else None
    by_wechat = bool(person.follows) and person.lead_source == "公众号"
    row = book.leads.add(
        created,
        Identity(
            "crm", "leads", lead_id, "lead_id", "person", person.person_id, company.company_id if company else None
        ),
        lead_id=lead_id,
        company_name=flaws.blank(dice, _lead_company(dice, company), 0.1),
        full_name=_written_name(dice, person),
        **_reach(dice, person, None, copy),
        unionid=person.unionid if by_wechat and dice.chance(0.2) else "",
        openid=person.openid if by_wechat and dice.chance(0.6) else "",
        job_title=flaws.blank(dice, person.title, 0.3),
        department=flaws.blank(dice, person.post.department if person.post else "", 0.5),
        lifecycle_stage="线索",
        lead_status="新线索",
        lead_source=person.lead_source,
        score=flaws.blank(dice, f"{30 + 60 * person.influence * dice.uniform():.1f}", 0.3),
        created_at=created.strftime(TIME),
        is_deleted="否",
        备注=flaws.blank(dice, dice.pick(REMARKS), 0.75),
    )
    marketing, answers = day + 0.2 + dice.span(2.5), dice.chance(0.15 if company is None else 0.7)
    lost, saved = dice.weighted(("无效", "未联系上", "待跟进"), (50, 35, 15)), _later(dice, world, day)
    row.change(max(created, office(saved)))
    qualified = contact is not None and weigh is not None
    mql = marketing if (answers or qualified) and marketing < end else None
    sql = None
    if mql is None:
        if marketing < end:
            row.change(office(marketing), lead_status=lost)
    else:
        row.change(office(mql), lifecycle_stage="市场合格", lead_status="跟进中")
        if qualified and contact is not None and weigh is not None:
            sql = max(mql, weigh, contact[0]) + 0.05
            sql = sql if sql < end else None
    if sql is not None and contact is not None:
        row.change(office(sql), lifecycle_stage="销售合格", lead_status="已联系", converted_contact_id=contact[1])
        book.converted[index] = row
    book.paths.append(LeadPath(lead_id, index, day, mql, sql))


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
