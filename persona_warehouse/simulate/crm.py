"""The CRM as a whole: every object of it, how it stood on a day, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from persona_warehouse.simulate import crm_activities, crm_service, records
from persona_warehouse.simulate.crm_accounts import Accounts, accounts
from persona_warehouse.simulate.crm_activities import Activities
from persona_warehouse.simulate.crm_deals import Deals, deals
from persona_warehouse.simulate.crm_marketing import Marketing, marketing
from persona_warehouse.simulate.crm_research import Research, research
from persona_warehouse.simulate.crm_service import Service, service
from persona_warehouse.simulate.records import Bulk, Identity, Sheet, Shown, Spoiled
from persona_warehouse.simulate.world import World

# what is no plain UTF-8
ENCODINGS = {"crm/contacts.csv": "gb18030", "crm/leads.csv": "utf-8-sig"}


@dataclass(frozen=True)
class Crm:
    """The parts of the CRM."""

    book: Accounts
    sales: Deals
    talks: Activities
    service: Service
    marketing: Marketing
    research: Research

    @property
    def sheets(self) -> dict[str, Sheet]:
        """The tables whose rows change, by landing object."""
        return {
            "companies": self.book.companies,
            "contacts": self.book.contacts,
            "leads": self.book.leads,
            "deals": self.sales.deals,
            "deal_stage_history": self.sales.history,
            "deal_contacts": self.sales.roles,
            "tickets": self.service.tickets,
            "invoices": self.service.invoices,
            "campaigns": self.marketing.campaigns,
            "campaign_members": self.marketing.members,
            "surveys": self.service.surveys,
            "interviews": self.research.interviews,
            "interview_answers": self.research.answers,
            "referrals": self.marketing.referrals,
            "lifecycle_stage_history": self.marketing.stamps,
        }

    @property
    def bulks(self) -> dict[str, Bulk]:
        """The tables of many plain rows, by landing object."""
        return {
            "ad_spend": self.marketing.spend,
            "company_enrichment": self.research.enrichment,
            "product_usage": self.service.usage,
        }


@dataclass(frozen=True)
class Written:
    """What was written: rows by file, whom the rows stand for, and which cannot be read."""

    counts: dict[str, int]
    identities: list[Identity]
    spoiled: list[Spoiled]


def build_crm(world: World) -> Crm:
    """The CRM of a world, all days of it."""
    book = accounts(world)
    sales = deals(world, book)
    talks = crm_activities.activities(world, book, sales)
    return Crm(book, sales, talks, service(world, book, sales), marketing(world, book, sales), research(world, book))


def write(out: Path, crm: Crm, until: datetime, csv_text: Callable[[Shown], str], encodings: dict[str, str]) -> Written:
    """Writes every file of the CRM as it stood at a moment (local time).

    Args:
        csv_text: turns a table into CSV; faults have their own.
        encodings: of the files that are no plain UTF-8.
    """
    counts: dict[str, int] = {}
    identities: list[Identity] = []
    spoiled: list[Spoiled] = []
    for sheet in crm.sheets.values():
        shown = sheet.shown(until)
        if sheet.file.endswith(".csv"):
            (out / sheet.file).write_bytes(csv_text(shown).encode(encodings.get(sheet.file, "utf-8")))
        else:
            records.write_lines(out / sheet.file, shown.json_lines())
        counts[sheet.file] = len(shown.rows)
        identities += shown.identities
        spoiled += shown.spoiled
    for bulk in crm.bulks.values():
        counts[bulk.file] = bulk.write(out, until)
    lines, cut = crm.talks.shown(until)
    records.write_lines(out / crm_activities.FILE, lines)
    counts[crm_activities.FILE] = len(lines)
    products = crm_service.products()
    records.write_parquet(out / crm_service.PRODUCTS_FILE, products)
    counts[crm_service.PRODUCTS_FILE] = products.num_rows
    return Written(counts, identities, [*spoiled, *cut])
