"""The sources.yml that loads the whole sample world."""

from __future__ import annotations

from typing import Any

import yaml

from persona_warehouse.simulate import (
    crm_accounts,
    crm_activities,
    crm_deals,
    crm_marketing,
    crm_research,
    crm_service,
    wechat,
    wechat_pushes,
)
from persona_warehouse.simulate.crm import ENCODINGS, Crm

MONEY = "¥#,##0.00"
YES_NO = crm_accounts.YES_NO

# by its beginning the folder is known as ours
MARK = "# The sample world's sources."
HEAD = f"""\
{MARK} Paths are relative to this file; times without a zone are Asia/Shanghai.
# Columns that are not named here (备注, 客户级别, 客户类型, memo) are kept in `properties`.
"""

# how each object's values are written, besides its columns
SETTINGS: dict[str, dict[str, Any]] = {
    "companies": {
        "money": {"annual_revenue": MONEY, "total_funding": MONEY},
        "values": {
            "industry": crm_accounts.INDUSTRIES,
            "lifecycle_stage": crm_accounts.LIFECYCLES,
            "is_deleted": YES_NO,
        },
        "currency": "CNY",
    },
    "contacts": {
        "values": {
            "seniority": crm_accounts.SENIORITIES,
            "buying_role": crm_accounts.BUYING_ROLES,
            "lifecycle_stage": crm_accounts.LIFECYCLES,
            "lead_status": crm_accounts.LEAD_STATUSES,
            "is_deleted": YES_NO,
        },
    },
    "leads": {
        "values": {
            "lifecycle_stage": crm_accounts.LIFECYCLES,
            "lead_status": crm_accounts.LEAD_STATUSES,
            "is_deleted": YES_NO,
        },
    },
    "deals": {
        "formats": dict.fromkeys(("created_at", "closed_at", "updated_at"), crm_deals.DEAL_TIME),
        "money": {"amount": MONEY},
        "values": {
            "stage": crm_deals.DEAL_STAGES,
            "pipeline": crm_deals.PIPELINES,
            "is_closed": YES_NO,
            "is_won": YES_NO,
            "is_deleted": YES_NO,
        },
        "currency": "CNY",
    },
    "deal_stage_history": {"values": {"stage": crm_deals.DEAL_STAGES}},
    "deal_contacts": {"values": {"role": crm_accounts.BUYING_ROLES, "is_primary": YES_NO}},
    "activities": {"values": {"activity_type": crm_activities.TYPES, "direction": crm_activities.DIRECTIONS}},
    "tickets": {"values": {"severity": crm_service.SEVERITIES, "status": crm_service.TICKET_STATES}},
    "invoices": {"money": {"amount": MONEY}, "values": {"is_deleted": YES_NO}, "currency": "CNY"},
    "campaigns": {"money": {"budget": MONEY}},
    "campaign_members": {"values": {"status": crm_marketing.MEMBER_STATES}},
    "ad_spend": {"currency": "CNY"},
    "surveys": {"values": {"survey_type": crm_service.SURVEY_TYPES}},
    "interviews": {"values": {"respondent_role": crm_research.RESPONDENTS, "has_consent": YES_NO}},
    "interview_answers": {"values": {"is_inferred": YES_NO}},
    "lifecycle_stage_history": {
        "values": {"record_type": crm_marketing.RECORD_TYPES, "stage": crm_accounts.LIFECYCLES}
    },
}


class _Plain(yaml.SafeDumper):
    """Writes a map out wherever it stands: people read and edit this file."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def sources_text(crm: Crm) -> str:
    """The file's text."""
    columns = {name: (sheet.file, dict(sheet.headers)) for name, sheet in crm.sheets.items()}
    columns |= {name: (bulk.file, dict(bulk.columns)) for name, bulk in crm.bulks.items()}
    columns["activities"] = (crm_activities.FILE, crm_activities.HEADERS)
    columns["products"] = (crm_service.PRODUCTS_FILE, {name: name for name in crm_service.PRODUCT_COLUMNS})
    objects: dict[str, dict[str, Any]] = {}
    for name, (file, headers) in columns.items():
        encoding = {"encoding": ENCODINGS[file]} if file in ENCODINGS else {}
        objects[name] = {"file": file, "columns": headers, **encoding, **SETTINGS.get(name, {})}
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
        "follower_events": {"file": wechat_pushes.FILE, "columns": {name: name for name in wechat_pushes.COLUMNS}},
    }
    content = {
        "sources": {
            "crm": [{"connector": "files", "path": "crm/", "objects": _inside("crm/", objects)}],
            "website": [{"connector": "events", "path": "web/*.jsonl.gz"}],
            "wechat": [{"connector": "files", "path": "wechat/", "objects": _inside("wechat/", account)}],
        }
    }
    return HEAD + yaml.dump(
        content, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None
    )


def _inside(folder: str, objects: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {**entry, "file": str(entry["file"]).removeprefix(folder)} for name, entry in objects.items()}
