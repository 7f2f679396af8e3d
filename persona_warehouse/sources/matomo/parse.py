"""Matomo's visits to events, one a line of JSON: pure functions, no network, no clock."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from persona_warehouse.sources.answers import UnexpectedShape

# what of a visit is told with each of its actions; the other hundred fields are for Matomo's own pages
OF_THE_VISIT = (
    "idSite", "idVisit", "visitorId", "userId", "visitIp", "visitorType", "visitCount", "deviceType", "deviceBrand",
    "deviceModel", "operatingSystemName", "browserName", "browserVersion", "languageCode", "countryCode", "regionCode",
    "city", "referrerType", "referrerName", "referrerKeyword", "customVariables",
)  # fmt: skip
# where a visit came from is told with its first action alone: the others came from the page before
OF_THE_FIRST = (
    "referrerUrl", "campaignName", "campaignSource", "campaignMedium", "campaignKeyword", "campaignContent",
)  # fmt: skip
DIMENSION = re.compile(r"dimension[0-9]+")
# for Matomo's own pages
PRESENTATION = re.compile(r"icon|iconSVG|title|subtitle|.*Pretty|.*_pretty")


def visits_of(answer: Any) -> list[dict[str, Any]]:
    """The visits of a page.

    Raises:
        UnexpectedShape: it is no list of visits that have an id and the time of their last action.
    """
    if not isinstance(answer, list):
        raise UnexpectedShape("(the answer)", "a list of visits", type(answer).__name__)
    for visit in answer:
        if not isinstance(visit, Mapping):
            raise UnexpectedShape("(a visit)", "an object", type(visit).__name__)
        for name in ("idVisit", "lastActionTimestamp"):
            if not re.fullmatch("[0-9]+", str(visit.get(name))):
                raise UnexpectedShape(name, "a whole number", type(visit.get(name)).__name__)
        if not isinstance(visit.get("actionDetails"), list):
            raise UnexpectedShape("actionDetails", "a list", type(visit.get("actionDetails")).__name__)
    return answer


def last_action(visit: Mapping[str, Any]) -> int:
    """When a visit was last active, in seconds since 1970."""
    return int(visit["lastActionTimestamp"])


def events_of(visit: Mapping[str, Any], site: str) -> Iterator[dict[str, Any]]:
    """A visit's actions, each with what its visit says; what is empty, or `false` for hidden, is left out."""
    known = _filled({name: visit.get(name) for name in OF_THE_VISIT} | _dimensions(visit))
    first = _filled({name: visit.get(name) for name in OF_THE_FIRST})
    if known.get("referrerType") == "campaign":
        # as the plugin MarketingCampaignsReporting says it, where it is not installed
        marks = {"campaignName": known.get("referrerName"), "campaignKeyword": known.get("referrerKeyword")}
        first = _filled(marks) | {"campaignMedium": "campaign"} | first
    for place, action in enumerate(visit["actionDetails"]):
        own = action if isinstance(action, Mapping) else {"type": "unknown", "value": action}
        shown = {name: value for name, value in own.items() if not PRESENTATION.fullmatch(name)}
        yield {
            **known,
            **(first if place == 0 else {}),
            **_filled(shown),
            "idSite": site,
            "event_id": f"{site}-{visit['idVisit']}-{action_id(own)}",
        }


def action_id(action: Mapping[str, Any]) -> str:
    """What tells an action from the others of its visit, whatever is added to the visit later."""
    kind = action.get("type")
    if kind == "goal":
        return f"goal-{action.get('goalId') or action.get('goalName')}-{action.get('timestamp')}"
    if kind == "ecommerceOrder":
        return f"order-{action.get('orderId')}"
    if kind == "ecommerceAbandonedCart":
        return "cart"
    if action.get("pageId"):
        # the row of log_link_visit_action, by which the database knows it too
        return str(action["pageId"])
    told = [action.get(name) for name in ("type", "timestamp", "url", "idpageview", "pageviewPosition", "pageIdAction")]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()[:16]


def _dimensions(visit: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in visit.items() if DIMENSION.fullmatch(name)}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value is not False and value != ""}
