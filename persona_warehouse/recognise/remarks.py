"""WeChat remarks such as `张三-星河-采购`: name, company and title in any order, with any separator."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.recognise.companies import parse_companies
from persona_warehouse.recognise.person_names import is_chinese_name, read_person_name
from persona_warehouse.recognise.text import has_han, plain
from persona_warehouse.recognise.titles import UNKNOWN, title_reader

SEPARATOR = re.compile(r"[\s\-_/\\|·,，、;:~+@#&()\[\]【】<>《》]+")
PHONE = re.compile(r"\+?\d[\d\- ]{6,}\d")
# how well a piece fits a part; a reading is taken when the sum is this much ahead of nothing
SURE = 0.5
KNOWN_COMPANY = 0.98


@dataclass(frozen=True)
class Remark:
    """The parts of a remark, null where there is none; `confidence` of the weakest part that was read."""

    name: str | None = None
    company: str | None = None
    title: str | None = None
    phone: str | None = None
    confidence: float = 0.0


def read_remarks(raw: Sequence[str | None], known_companies: Container[str] = ()) -> list[Remark]:
    """Reads remarks, all at once: what may be a company is looked at in one go.

    Args:
        known_companies: short or full names that the CRM knows; they tell a company from a name.
    """
    cut = [_pieces(remark, known_companies) for remark in raw]
    pieces = {piece for _, found in cut for piece in found}
    companies = _as_companies(sorted(piece for piece in pieces if piece not in known_companies))
    return [_remark(number, found, companies) for number, found in cut]


def _pieces(raw: str | None, known: Container[str]) -> tuple[str | None, list[str]]:
    """The number in a remark, and the pieces of what is left; none where there are too many."""
    text = plain(raw)
    phone = PHONE.search(text)
    number = re.sub(r"\D", "", phone[0]) if phone else None
    if phone:
        text = text[: phone.start()] + " " + text[phone.end() :]
    pieces = [piece for piece in SEPARATOR.split(text) if piece]
    if not has_han(text) and len(pieces) > 3:
        pieces = [piece.strip() for piece in re.split(r"\s*[-_/|,;]\s*", text) if piece.strip()]
    if len(pieces) > 5:
        return number, []
    return number, _cut(pieces[0], known) if len(pieces) == 1 else pieces


def _remark(number: str | None, pieces: list[str], companies: Mapping[str, float]) -> Remark:
    fits = [
        (_as_name(piece, at), companies.get(piece, KNOWN_COMPANY), _as_title(piece)) for at, piece in enumerate(pieces)
    ]
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


def _as_companies(pieces: list[str]) -> dict[str, float]:
    """How well each piece, none of them known, fits a company."""
    parts = parse_companies(pa.array(pieces, pa.string()))
    has_brand, has_form, has_trade = (
        pc.fill_null(pc.not_equal(parts[name], ""), False) for name in ("brand", "legal_form", "trade")
    )
    is_name = pc.and_(
        pc.greater_equal(pc.utf8_length(pa.array(pieces, pa.string())), 2),
        pa.array([not piece.isdigit() for piece in pieces], pa.bool_()),
    )
    fits = pc.if_else(pc.or_(has_form, has_trade), 0.85, pc.if_else(is_name, 0.6, 0.2))
    return dict(zip(pieces, pc.if_else(has_brand, fits, 0.0).to_pylist(), strict=True))


def _as_title(piece: str) -> float:
    title = title_reader().read(piece)
    if title.seniority == UNKNOWN and title.job_function == UNKNOWN:
        return 0.0
    return title.confidence * (1.0 if title.seniority != UNKNOWN else 0.92)
