"""What columns and files are called (names.yml), ready to be looked up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from persona_warehouse.landing.contract import STREAMS, ObjectContract, objects

# fields of these connectors' APIs and tables are names too: people export what the API would give
MAPPINGS = ("salesforce/mapping.yml", "hubspot/mapping.yml", "fxiaoke/mapping.yml", "sql/mappings/espocrm.yml",
            "sql/mappings/suitecrm.yml", "sql/mappings/odoo.yml")  # fmt: skip
# what tools put before and after a field's own name
BEFORE = re.compile(r"^(property|properties|hs|traits|fields|billing|hubspot) ")
AFTER = re.compile(r" (c|unit|obj|label)$")
BRACKETS = re.compile(r"[(\[（【].*?[)\]）】]|[*:：?？]+$")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
HAN = "\u4e00-\u9fff"


@dataclass(frozen=True)
class Named:
    """What a column is by its name: how well it is known (1 is best), and whether other objects have such a column."""

    field: str
    score: float
    is_common: bool


@cache
def vocabulary() -> dict[str, Any]:
    """names.yml."""
    text = files("persona_warehouse.discover").joinpath("names.yml").read_text(encoding="utf-8")
    # NO is a number's abbreviation here, as in sources files
    return dict(yaml.load(text, yaml.BaseLoader))  # noqa: S506 - it makes texts alone


def spoken(name: str) -> str:
    """A name as words in lower case: without brackets and signs, camelCase taken apart."""
    plain = unicodedata.normalize("NFKC", name)
    plain = BRACKETS.sub(" ", plain).strip() or plain
    return re.sub(rf"[^a-z0-9{HAN}]+", " ", CAMEL.sub(" ", plain).lower()).strip()


def squeezed(name: str) -> str:
    """A name as it is compared: words without blanks between them."""
    return spoken(name).replace(" ", "")


def forms(name: str) -> Iterator[str]:
    """A name, and the same without what tools put around it."""
    words = spoken(name)
    yield words.replace(" ", "")
    shorter = AFTER.sub("", BEFORE.sub("", words))
    if shorter != words:
        yield shorter.replace(" ", "")


@cache
def lookup(stream: str, name: str) -> dict[str, list[Named]]:
    """Squeezed name -> the columns of an object that are called so, best first."""
    shape = objects(stream)[name]
    own = vocabulary()[stream].get(name, {})
    found: dict[str, dict[str, Named]] = {}

    def add(word: str, field: str, score: float, is_common: bool = False) -> None:
        if field in shape.columns and word:
            known = found.setdefault(word, {}).get(field)
            if known is None or known.score < score:
                found[word][field] = Named(field, score, is_common)

    for field in shape.columns:
        add(squeezed(field), field, 1.0, field in vocabulary()["common"])
        for word in own.get("columns", {}).get(field, []):
            add(squeezed(word), field, 1.0)
        for place, word in enumerate(vocabulary()["common"].get(field, [])):
            add(squeezed(word), field, 0.95 - place * 0.002, True)
    for field, word in _of_connectors(name):
        add(squeezed(word), field, 0.97, squeezed(word) in ("id", "name"))
    entity = own.get("is")
    for word, place in ((word, place) for place, word in enumerate(vocabulary()["keys"])):
        for field in shape.key[:1] if entity else ():
            add(squeezed(word), field, 0.9 - place * 0.01, True)
            for before in vocabulary()["entities"][entity]:
                add(squeezed(f"{before} {word}"), field, 1.0 - place * 0.005)
    # a column 产品 in a list of products is their name
    called = next((field for field in ("name", "full_name") if field in shape.columns), "")
    for place, before in enumerate(vocabulary()["entities"].get(entity, [])):
        add(squeezed(before), called, 0.8 - place * 0.01)
    # 客户行业 of a customer is its 行业
    own_words = [(word, one) for word, named in found.items() for one in named.values()]
    for before in vocabulary()["entities"].get(entity, []):
        for word, one in own_words:
            add(squeezed(before) + word, one.field, one.score - 0.05, one.is_common)
    for field, target in vocabulary()["references"].items():
        if target != entity:
            for word, score in _references(target):
                add(word, field, score, True)
    return {word: sorted(named.values(), key=lambda one: -one.score) for word, named in found.items()}


@cache
def _references(entity: str) -> list[tuple[str, float]]:
    words: dict[str, float] = {}
    for place, word in enumerate(vocabulary()["entities"][entity]):
        for at, ending in enumerate(vocabulary()["reference_endings"]):
            for beginning in vocabulary()["reference_beginnings"]:
                # an id says more than a name, a name more than a bare word
                score = 0.94 if 0 < at < 13 else 0.85 if ending else 0.8
                words.setdefault(squeezed(f"{beginning} {word} {ending}"), score - place * 0.002)
    return list(words.items())


@cache
def _mappings() -> list[dict[str, Any]]:
    folder = files("persona_warehouse.sources")
    return [yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8")) for name in MAPPINGS]


def _of_connectors(name: str) -> Iterator[tuple[str, str]]:
    """(landing column, field) of all connectors' mappings of an object; what is put together of several is no name."""
    for mapping in _mappings():
        spec = mapping.get("objects", mapping).get(name)
        for field, source in (spec or {}).get("columns", {}).items():
            if isinstance(source, str) and "+" not in source:
                yield from ((field, word.strip().rpartition(".")[2]) for word in source.split("|"))


def file_hint(stem: str, stream: str, name: str) -> float:
    """How much a file's name says that it holds an object: 3 the whole name, 1 a part of it, 0 nothing."""
    words = re.sub(r"\b(data|export|exported|all|list|sf|hubspot|crm|report|full|latest|new|\d+|v\d+|20\d\d\S*)\b", " ",
                   spoken(stem).replace("_", " "))  # fmt: skip
    plain = words.replace(" ", "").rstrip("0123456789")
    entity = vocabulary()[stream].get(name, {}).get("is")
    called = [*vocabulary()[stream].get(name, {}).get("files", []), *vocabulary()["entities"].get(entity, []), name]
    told = 0.0
    for word in map(spoken, called):
        bare = word.replace(" ", "")
        if plain in (bare, bare + "s", bare.rstrip("s"), bare + "表", bare + "列表", bare + "导出"):
            # contacts before a contact list: the list may be one of lists
            return 2.5 if re.search(r"\blist\b", spoken(stem)) else 3.0
        is_part = bare in plain if re.search(f"[{HAN}]", bare) else re.search(rf"\b{word}s?\b", words)
        if is_part:
            told = max(told, 1.0 + len(bare) / max(len(plain), 1))
    return told


def every_object() -> Iterator[tuple[str, ObjectContract]]:
    """All landing objects that names.yml knows names of."""
    for stream in STREAMS:
        for name, shape in objects(stream).items():
            if name in vocabulary().get(stream, {}):
                yield stream, shape
