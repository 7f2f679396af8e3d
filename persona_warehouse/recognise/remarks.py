"""WeChat remarks such as `张三-星河-采购`: name, company and title in any order, with any separator."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from itertools import product

import pyarrow as pa

from persona_warehouse.recognise.companies import parse_companies
from persona_warehouse.recognise.person_names import is_chinese_name, read_person_name
from persona_warehouse.recognise.text import has_han, plain
from persona_warehouse.recognise.titles import UNKNOWN, title_reader

SEPARATOR = re.compile(r"[\s\-_/\\|·,，、;:~+@#&()\[\]【】<>《》]+")
PHONE = re.compile(r"\+?\d[\d\- ]{6,}\d")
# how well a piece fits a part; a reading is taken when the sum is this much ahead of nothing
SURE = 0.5


@dataclass(frozen=True)
class Remark:
    """The parts of a remark, null where there is none; `confidence` of the weakest part that was read."""

    name: str | None = None
    company: str | None = None
    title: str | None = None
    phone: str | None = None
    confidence: float = 0.0


def read_remark(raw: str | None, known_companies: Container[str] = ()) -> Remark:
    """Reads one remark.

    Args:
        known_companies: short or full names that the CRM knows; they tell a company from a name.
    """
    text = plain(raw)
    phone = PHONE.search(text)
    number = re.sub(r"\D", "", phone[0]) if phone else None
    if phone:
        text = text[: phone.start()] + " " + text[phone.end() :]
    pieces = [piece for piece in SEPARATOR.split(text) if piece]
    if not has_han(text) and len(pieces) > 3:
        pieces = [piece.strip() for piece in re.split(r"\s*[-_/|,;]\s*", text) if piece.strip()]
    if not pieces or len(pieces) > 5:
        return Remark(phone=number)
    if len(pieces) == 1:
        pieces = _cut(pieces[0], known_companies)
    fits = [_fits(piece, at, known_companies) for at, piece in enumerate(pieces)]
    best = 0.0
    parts: tuple[int | None, ...] = (None, None, None)
    # each part is at most one piece, and no piece is two parts
    for chosen in product([None, *range(len(pieces))], repeat=3):
        taken = [at for at in chosen if at is not None]
        score = sum(fits[at][part] for part, at in enumerate(chosen) if at is not None)
        if len(set(taken)) == len(taken) and score > best:
            best, parts = score, chosen
    sure = [fits[at][part] if at is not None else None for part, at in enumerate(parts)]
    found = [pieces[at] if at is not None and (sure[part] or 0) >= SURE else None for part, at in enumerate(parts)]
    given = [value for value in sure if value is not None and value >= SURE]
    name = read_person_name(found[0]) if found[0] else None
    return replace(
        Remark(company=found[1], title=found[2], phone=number, confidence=round(min(given, default=0.0), 3)),
        name=name.full if name else None,
    )


def _fits(piece: str, at: int, known: Container[str]) -> tuple[float, float, float]:
    return _as_name(piece, at), _as_company(piece, known), _as_title(piece)


def _cut(piece: str, known: Container[str]) -> list[str]:
    """采购部张三: a remark without separators is cut where a name and something else stand side by side."""
    best, found = 2 * SURE + 0.4, [piece]
    if len(piece) < 4 or not all(map(has_han, piece)) or is_chinese_name(piece):
        return found
    for at in range(2, len(piece) - 1):
        one, other = piece[:at], piece[at:]
        for name, rest in ((one, other), (other, one)):
            score = _as_name(name, 0) * is_chinese_name(name) + max(_as_title(rest), rest in known)
            if score > best:
                best, found = score, [one, other]
    return found


def _as_name(piece: str, at: int) -> float:
    if is_chinese_name(piece):
        return 0.9 if at == 0 else 0.8
    name = read_person_name(piece)
    if name is None:
        return 0.0
    if name.address and not name.given:
        return 0.6
    return 0.55 if name.is_whole else 0.3 if not has_han(piece) else 0.0


def _as_company(piece: str, known: Container[str]) -> float:
    if piece in known:
        return 0.98
    parts = {name: values[0].as_py() for name, values in parse_companies(pa.array([piece])).items()}
    if not parts["brand"]:
        return 0.0
    if parts["legal_form"] or (parts["trade"] and parts["brand"]):
        return 0.85
    return 0.6 if len(piece) >= 2 and not piece.isdigit() else 0.2


def _as_title(piece: str) -> float:
    title = title_reader().read(piece)
    if title.seniority == UNKNOWN and title.job_function == UNKNOWN:
        return 0.0
    return title.confidence * (1.0 if title.seniority != UNKNOWN else 0.92)
