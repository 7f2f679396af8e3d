"""The sources.yml that loads the whole sample world."""

from __future__ import annotations

from typing import Any

import yaml

from persona_warehouse.simulate import crm_accounts, crm_deals, wechat
from persona_warehouse.simulate.crm_accounts import Accounts
from persona_warehouse.simulate.crm_deals import Deals
from persona_warehouse.simulate.records import Sheet

PRODUCTS_FILE = "crm/products.parquet"
PRODUCT_COLUMNS = ("product_id", "name", "family", "list_price", "currency")
MONEY = "¥#,##0.00"

HEAD = """\
# The sample world's sources. Paths are relative to this file; times without a zone are Asia/Shanghai.
# Columns that are not named here (备注, 客户级别, memo) are kept in `properties`.
"""


class _Plain(yaml.SafeDumper):
    """Writes a map out wherever it stands: people read and edit this file."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def sources_text(accounts: Accounts, deals: Deals) -> str:
    """The file's text."""
    crm = {
        "companies": _entry(
            accounts.companies,
            money={"annual_revenue": MONEY, "total_funding": MONEY},
            values={
                "industry": crm_accounts.INDUSTRIES,
                "lifecycle_stage": crm_accounts.LIFECYCLES,
                "is_deleted": crm_accounts.YES_NO,
            },
            currency="CNY",
        ),
        "contacts": _entry(
            accounts.contacts,
            encoding="gb18030",
            values={
                "seniority": crm_accounts.SENIORITIES,
                "buying_role": crm_accounts.BUYING_ROLES,
                "lifecycle_stage": crm_accounts.LIFECYCLES,
                "lead_status": crm_accounts.LEAD_STATUSES,
                "is_deleted": crm_accounts.YES_NO,
            },
        ),
        "leads": _entry(
            accounts.leads,
            encoding="utf-8-sig",
            values={
                "lifecycle_stage": crm_accounts.LIFECYCLES,
                "lead_status": crm_accounts.LEAD_STATUSES,
                "is_deleted": crm_accounts.YES_NO,
            },
        ),
        "deals": _entry(
            deals.deals,
            formats=dict.fromkeys(("created_at", "closed_at", "updated_at"), crm_deals.DEAL_TIME),
            money={"amount": MONEY},
            values={
                "stage": crm_deals.DEAL_STAGES,
                "pipeline": crm_deals.PIPELINES,
                "is_closed": crm_accounts.YES_NO,
                "is_won": crm_accounts.YES_NO,
                "is_deleted": crm_accounts.YES_NO,
            },
            currency="CNY",
        ),
        "deal_stage_history": _entry(deals.history, values={"stage": crm_deals.DEAL_STAGES}),
        "deal_contacts": _entry(
            deals.roles, values={"role": crm_accounts.BUYING_ROLES, "is_primary": crm_accounts.YES_NO}
        ),
        "activities": _entry(
            deals.activities,
            values={"activity_type": crm_deals.ACTIVITY_TYPES, "direction": crm_deals.DIRECTIONS},
        ),
        "products": {"file": PRODUCTS_FILE, "columns": {name: name for name in PRODUCT_COLUMNS}},
    }
    followers = {
        "openid": "openid",
        "unionid": "unionid",
        "is_subscribed": "subscribe",
        "subscribed_at": "subscribe_time",
        "subscribe_scene": "subscribe_scene",
        "qr_scene": "qr_scene",
        "qr_scene_str": "qr_scene_str",
        "remark": "remark",
        "tag_ids": "tagid_list",
        "language": "language",
    }
    stats = ("ref_date", "user_source", "new_user", "cancel_user", "cumulate_user")
    account = {
        "followers": {"file": wechat.FOLLOWERS, "columns": followers, "formats": {"subscribed_at": "unix"}},
        "tags": {"file": wechat.TAGS, "columns": {"tag_id": "id", "name": "name", "follower_count": "count"}},
        "daily_follower_stats": {"file": wechat.STATS, "columns": {name: name for name in stats}},
    }
    content = {
        "sources": {
            "crm": [{"connector": "files", "path": "crm/", "objects": _inside("crm/", crm)}],
            "website": [{"connector": "events", "path": "web/*.jsonl.gz"}],
            "wechat": [{"connector": "files", "path": "wechat/", "objects": _inside("wechat/", account)}],
        }
    }
    return HEAD + yaml.dump(
        content, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None
    )


def _entry(sheet: Sheet, **settings: Any) -> dict[str, Any]:
    return {"file": sheet.file, "columns": dict(sheet.headers), **settings}


def _inside(folder: str, objects: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {**entry, "file": entry["file"].removeprefix(folder)} for name, entry in objects.items()}
