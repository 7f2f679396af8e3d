"""What others say of a company: registries and job sites in bulk, and what was heard in interviews."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from persona_warehouse.simulate import flaws
from persona_warehouse.simulate.crm_accounts import Accounts
from persona_warehouse.simulate.crm_service import customer_days
from persona_warehouse.simulate.dice import Dice, generator
from persona_warehouse.simulate.personas import ATTRIBUTES
from persona_warehouse.simulate.records import TIME, Bulk, Sheet
from persona_warehouse.simulate.world import Company, World

INTERVIEW_HEADERS = {
    "interview_id": "访谈编号",
    "company_id": "客户编号",
    "contact_id": "联系人编号",
    "respondent_role": "受访角色",
    "interviewer": "访谈人",
    "interviewed_at": "访谈时间",
    "has_consent": "同意记录",
}
ANSWER_HEADERS = {
    "interview_id": "访谈编号",
    "question_code": "题号",
    "answer_code": "答案代码",
    "answer_text": "原话",
    "is_inferred": "推断",
    "confidence": "把握",
}
RESPONDENTS = {
    "决策人": "final",
    "使用人": "user",
    "参谋": "adviser",
    "产品": "product",
    "销售": "sales",
    "老板": "owner",
}
INSIDE = ("产品", "销售", "老板")

ENRICHMENT_FILE = "crm/company_enrichment.csv"
ENRICHMENT_COLUMNS = ("company_id", "uscc", "company_name", "attribute", "value", "source", "as_of")
SOURCES = ("registry", "job_sites", "website_crawl", "sales_notes")
# how often each source is wrong
WRONG = (0.02, 0.05, 0.04, 0.05)
# some facts are told by two sources, which may contradict each other
SECOND_SOURCE = 0.12
DEPARTMENTS = {"sales": 0.22, "rd": 0.20, "production": 0.35, "administration": 0.08}


@dataclass(frozen=True)
class Fact:
    """A column of facts: the text for every company, what a wrong source would say, and how often it is known."""

    name: str
    true: list[str]
    wrong: list[str]
    coverage: float
    source: int | None = None


@dataclass
class Research:
    """The enrichment and the interviews."""

    enrichment: Bulk
    interviews: Sheet = field(default_factory=lambda: Sheet("crm/interviews.csv", INTERVIEW_HEADERS, "interview_id"))
    answers: Sheet = field(default_factory=lambda: Sheet("crm/interview_answers.csv", ANSWER_HEADERS, "interview_id"))


def research(world: World, book: Accounts) -> Research:
    """Enrichment of the companies in the CRM, and the interviews."""
    found = Research(_enrichment(world, book))
    _interviews(world, book, found)
    return found


def facts(world: World) -> list[Fact]:
    """Everything that can be known of the companies from outside, as text."""
    dice = generator(world.seed, "facts")
    firms, count = world.companies, len(world.companies)
    found = []
    for attribute in ATTRIBUTES:
        codes = world.profiles.attributes[attribute.name]
        other = (codes + dice.integers(1, len(attribute.values), count)) % len(attribute.values)
        texts, wrong = ([attribute.values[code] for code in c.tolist()] for c in (codes, other))
        found.append(Fact(attribute.name, texts, wrong, attribute.coverage))
    size = world.profiles.employees
    growth = np.array([0.85, 1.02, 1.35, 2.1])[world.profiles.attributes["employee_growth_2y"]]
    numbers: dict[str, tuple[npt.NDArray[np.floating], float, int]] = {
        "employee_count": (size * 1.0, 0.8, 0),
        "employee_count_2y_ago": (size / growth, 0.5, 1),
        "annual_revenue": (np.array([c.annual_revenue for c in firms]) * 1.0, 0.6, 0),
        "profit": (np.array([c.annual_revenue for c in firms]) * dice.normal(0.07, 0.05, count), 0.35, 0),
        "founded_year": (np.array([c.founded_year for c in firms]) * 1.0, 0.9, 0),
        **{
            f"employees_{name}": (np.maximum(size * share * dice.uniform(0.7, 1.3, count), 1), 0.4, 1)
            for name, share in DEPARTMENTS.items()
        },
    }
    for name, (values, coverage, source) in numbers.items():
        off = values * (1 if name == "founded_year" else dice.uniform(0.5, 1.8, count)) + (name == "founded_year")
        texts, wrong = ([str(number) for number in np.rint(v).astype(np.int64).tolist()] for v in (values, off))
        found.append(Fact(name, texts, wrong, coverage, source))
    texts_of = {
        "industry": [c.trade.industry for c in firms],
        "org_type": [c.trade.org_type for c in firms],
        "industry_chain_position": [c.trade.chain_position for c in firms],
        "city": [c.place.city for c in firms],
        "legal_name": [c.legal_name for c in firms],
    }
    for name, texts in texts_of.items():
        others = [texts[i] for i in dice.permutation(count).tolist()]
        found.append(Fact(name, texts, others if name != "legal_name" else texts, 0.6, 0))
    return found


def _enrichment(world: World, book: Accounts) -> Bulk:
    dice = generator(world.seed, "enrichment")
    firms = np.array(sorted(book.company_ids), dtype=np.int64)
    everything = facts(world)
    at, of, source, is_wrong = [], [], [], []
    for number, fact in enumerate(everything):
        known = dice.random(len(firms)) < fact.coverage
        first = firms[known]
        again = first[dice.random(len(first)) < SECOND_SOURCE]
        both = np.concatenate([first, again])
        origin = dice.integers(1, len(SOURCES), len(both))
        if fact.source is not None:
            origin[: len(first)] = fact.source
        at.append(both)
        of.append(np.full(len(both), number))
        source.append(origin)
        is_wrong.append(dice.random(len(both)) < np.array(WRONG)[origin])
    company, fact_at = np.concatenate(at), np.concatenate(of)
    origin, wrong = np.concatenate(source), np.concatenate(is_wrong)
    age = dice.integers(0, 540, len(company))
    day = np.datetime64(world.window.end.isoformat()) - age.astype("timedelta64[D]")
    truths = pa.array([text for fact in everything for text in fact.true])
    errors = pa.array([text for fact in everything for text in fact.wrong])
    place = pa.array(fact_at * len(world.companies) + company)
    value = pa.compute.if_else(pa.array(wrong), errors.take(place), truths.take(place))
    # by which of its names the company is meant: the CRM's own, the state's, or what is written on the door
    named = np.searchsorted([0.65, 0.9], dice.random(len(company)), side="right")
    table = pa.table(
        {
            "company_id": _named(named == 0, company, [_crm_id(book, i) for i in range(len(world.companies))]),
            "uscc": _named(named == 1, company, [c.uscc for c in world.companies]),
            "company_name": _named(named == 2, company, [c.legal_name for c in world.companies]),
            "attribute": pa.array([fact.name for fact in everything]).take(pa.array(fact_at)),
            "value": value,
            "source": pa.array(SOURCES).take(pa.array(origin)),
            "as_of": pa.array(day),
            "born": pa.array(day.astype("datetime64[us]") + np.timedelta64(12, "h")),
        }
    )
    # a source says one thing of a company on a day
    order = np.lexsort((fact_at, company, day))
    return Bulk(ENRICHMENT_FILE, table.take(pa.array(order)), {name: name for name in ENRICHMENT_COLUMNS})


def _crm_id(book: Accounts, company: int) -> str:
    return book.company_ids[company][0][1] if company in book.company_ids else ""


def _named(shown: npt.NDArray[np.bool_], company: npt.NDArray[np.int64], names: list[str]) -> pa.Array:
    return pa.compute.if_else(pa.array(shown), pa.array(names).take(pa.array(company)), "")


INTERVIEWED_SHARE = 0.3
INTERVIEWERS = ("研究员甲", "研究员乙")
# some things are never asked outright; the interviewer infers them
INFERRED = ("Q12", "Q16")
OUTLOOKS = ("good", "flat", "bad")
STANDINGS = ("secure", "new", "contested")
VALUES_OF_GOAL = {
    "cut_cost": "saves_money",
    "fast_growth": "scales_with_us",
    "better_process": "one_process",
    "bottom_line": "less_stock",
    "social_mission": "less_waste",
}
REASONS = ("fits_process", "cases_in_industry", "service", "price", "integration")
SAYINGS = ("主要看能不能落地", "之前用的系统太老了", "老板要看报表", "IT那边人手不够", "同行都在上")


def _interviews(world: World, book: Accounts, found: Research) -> None:
    """Talks with customers and with the vendor's own product, sales and owner about them."""
    dice = Dice(world.seed, "interviews")
    staff, days = world.staff(), float(world.window.days)
    plans: list[tuple[float, int, int, str]] = []
    for company in world.companies:
        span = customer_days(company, days)
        if span is None or company.number not in book.company_ids:
            continue
        chosen, place, other = dice.chance(INTERVIEWED_SHARE), dice.uniform(), dice.chance(0.3)
        if company.number == 0:
            # so that the smallest world has an interview too
            chosen, place = True, 0.0
        day = max(span[0], 0.0) + (0.1 + 0.9 * place) * max(min(span[1], days) - max(span[0], 0.0), 0.0)
        known = [person for person in staff[company.number] if person in book.contacts_of]
        who = dice.pick(known) if known else -1
        if span[1] <= 0 or not chosen:
            continue
        role = {"final": "决策人", "user": "使用人", "adviser": "参谋"}.get(world.people[who].decision_role, "参谋")
        plans.append((day, company.number, who, role))
        if other:
            plans += [(day + 1.0 + place, company.number, -1, inside) for inside in INSIDE]
    for number, (day, at, who, role) in enumerate(sorted(plans), 1):
        consent, interviewer = dice.chance(0.9), dice.pick(INTERVIEWERS)
        answers = _answers(dice, world, world.companies[at], staff[at], role)
        if day > days - 0.02:
            continue
        moment, name = world.window.office_time(day), f"FT{number:04d}"
        since, contact_id = book.contacts_of.get(who, (0.0, ""))
        found.interviews.add(
            moment,
            interview_id=name,
            company_id=book.company_ids[at][0][1],
            contact_id=contact_id if since <= day else "",
            respondent_role=role,
            interviewer=interviewer,
            interviewed_at=moment.strftime(TIME),
            has_consent="是" if consent else "否",
        )
        for question, code, saying, confidence in answers:
            found.answers.add(
                moment,
                interview_id=name,
                question_code=question,
                answer_code=code,
                answer_text=saying,
                is_inferred="是" if question in INFERRED else "否",
                confidence=f"{confidence:.2f}",
            )


def _answers(
    dice: Dice, world: World, company: Company, staff: list[int], role: str
) -> list[tuple[str, str, str, float]]:
    """(question, code, words, confidence): mostly what is so, now and then something else."""
    profile, at = world.profiles, company.number
    who = dice.pick(staff)
    decider = next((p for p in staff if world.people[p].decision_role == "final"), staff[0])
    post = world.people[decider].post
    size = company.employee_count
    goal = profile.text(at, "goal")
    true = {
        "Q01": dice.pick(OUTLOOKS),
        "Q02": company.trade.industry,
        "Q03": company.trade.short,
        "Q04": "below_100" if size < 100 else "100_300" if size < 300 else "300_1000" if size < 1000 else "above_1000",
        "Q05": company.place.province,
        "Q06": profile.text(at, "employee_growth_2y"),
        "Q07": goal,
        "Q08": VALUES_OF_GOAL[goal],
        "Q09": "data_driven" if profile.text(at, "data_driven") == "yes" else "not_data_driven",
        "Q10": post.seniority if post else "",
        "Q11": profile.text(at, "decision_leader"),
        "Q12": dice.pick(STANDINGS),
        "Q13": world.people[who].pain,
        "Q14": dice.pick(REASONS),
        "Q15": profile.text(at, "prior_solution"),
        "Q16": world.people[who].kpi,
        "Q17": dice.pick(REASONS),
    }
    # colleagues inside the house know the customer less well than the customer does
    wrong = 0.25 if role in INSIDE else 0.06
    found = []
    for question, code in true.items():
        asked, off, saying = dice.chance(0.8), dice.chance(wrong), flaws.blank(dice, dice.pick(SAYINGS), 0.5)
        confidence = dice.between(0.5, 0.8) if question in INFERRED else dice.between(0.75, 1.0)
        if asked and code:
            found.append((question, "other" if off else code, saying, confidence))
    return found
