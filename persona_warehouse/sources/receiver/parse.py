"""A pushed XML document to an event; nothing of a message's content is kept."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.parsers import expat

from persona_warehouse.sources.receiver.signing import Refused

OPENID = re.compile(r"[0-9A-Za-z_-]{1,64}")
# from 1971 to 2286; anything else is no time in seconds
SECONDS = re.compile(r"[1-9][0-9]{7,9}")


@dataclass(frozen=True)
class Event:
    """One pushed event or message, and what tells it from its repetitions.

    Attributes:
        key: of whom, when, what, and of a message which one; equal keys are the same event.
        line: the JSON line to keep, in the columns of the landing object `follower_events`.
    """

    key: tuple[str, str, str, str]
    line: bytes


def fields_of(body: bytes) -> dict[str, str]:
    """The elements below the root with their own text, by name; what is nested deeper is passed over.

    Raises:
        Refused: it is no XML in UTF-8, or has a document type: entities are never read.
    """
    found: dict[str, str] = {}
    path: list[str] = []
    texts: list[str] = []

    def start(name: str, _: Any) -> None:
        path.append(name)
        texts.clear()

    def end(name: str) -> None:
        if len(path) == 2:
            found[name] = "".join(texts).strip()
        path.pop()
        texts.clear()

    def refuse(*_: Any) -> None:
        raise Refused(400, "XML with a document type")

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        # the encoding is ours to say, whatever a byte order mark or a declaration would have
        parser.Parse(body.decode(), True)
    except (expat.ExpatError, UnicodeDecodeError) as error:
        raise Refused(400, "no XML") from error
    return found


def event_of(fields: dict[str, str]) -> Event:
    """The event that a document tells of.

    Raises:
        Refused: it does not say of whom, when or what.
    """
    openid, created, kind = (fields.get(name, "") for name in ("FromUserName", "CreateTime", "MsgType"))
    message_type = kind.lower()
    event = fields.get("Event", "").lower() if message_type == "event" else message_type
    if not OPENID.fullmatch(openid) or not SECONDS.fullmatch(created) or not event:
        raise Refused(400, "no event: it does not say of whom, when or what")
    row = {
        "openid": openid,
        "created_at": datetime.fromtimestamp(int(created), UTC).isoformat(),
        "event": event,
        "event_key": fields.get("EventKey"),
        "ticket": fields.get("Ticket"),
        "menu_id": fields.get("MenuId") or fields.get("MenuID"),
        "message_type": message_type,
    }
    # ascii only: a line that is cut is still text
    line = json.dumps({name: value for name, value in row.items() if value}, separators=(",", ":")).encode() + b"\n"
    return Event((openid, created, event, fields.get("MsgId", "")), line)
