"""What the SDKs of Sensors Analytics send: form data with events as base64 of JSON, gzip or not."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from urllib.parse import unquote

# data=… or data_list=… of a form body or of a request line
FIELD = re.compile(r"(?:^|[?&])(?:data|data_list)=([^&\s]+)")
# one request; the SDKs send some hundred events at most
MOST_BYTES = 64 << 20


def is_transport(line: str) -> bool:
    """Whether a line is form data, not JSON."""
    return not line.lstrip().startswith("{") and FIELD.search(line) is not None


def decoded(line: str) -> list[str]:
    """The events of a line of form data, each as JSON text.

    Raises:
        ValueError: it is not base64, its gzip is cut, or it holds no JSON; says which.
    """
    found = FIELD.search(line)
    if found is None:
        raise ValueError("no data= or data_list=")
    # some clients forget to escape a plus, which a form takes for a blank
    text = unquote(found[1]).replace(" ", "+")
    try:
        payload = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if payload.startswith(b"\x1f\x8b"):
        payload = _unzipped(payload)
    try:
        content = json.loads(payload)
    except ValueError as error:
        raise ValueError("no JSON inside") from error
    events = content if isinstance(content, list) else [content]
    return [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events]


def _unzipped(payload: bytes) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        content = reader.decompress(payload, MOST_BYTES)
    except zlib.error as error:
        raise ValueError("a gzip that cannot be read") from error
    if not reader.eof:
        raise ValueError("a gzip that is cut, or larger than any SDK sends")
    return content
