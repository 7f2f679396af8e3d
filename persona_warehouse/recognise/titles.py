"""Job titles, Chinese and English, to department, function, seniority, duties and the likely role in a purchase.

A title is laid out in terms of the dictionary (seeds/titles), cut into the posts that it names, and told by the highest
of them. A Chinese post ends with its level (采购 + 总监); an English one has its head before `of`, a comma or a dash.
What the dictionary does not hold is tried once more as a slip of the pen: a homophone in Chinese (pypinyin), one letter
in English (Damerau-Levenshtein by rapidfuzz); such a reading is less sure. What is no title stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise

from pypinyin import lazy_pinyin
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from persona_warehouse.recognise.text import has_han, plain
from persona_warehouse.recognise.vocabulary import Match, Vocabulary, best_cover, rows_of

UNKNOWN = "unknown"
# a function that every post at the top has beside its own
GENERAL = "general_management"
PROJECTS = "project_management"

# what parts posts whatever the language; a dash counts only with blanks or Chinese beside it (Co-founder is one word)
SEPARATOR = re.compile(r"\s*(?:[/\\|;,，、；+·&>\n()\[\]【】:：]|(?<![a-z0-9])-|-(?![a-z0-9]))\s*")
DOTS = re.compile(r"(?<=[a-z])\.(?=\s|$)|(?<=\b[a-z])\.(?=[a-z]\b)")
WORD = re.compile(r"[a-z]{6,}")
# 王总, 欧阳总: how people call somebody at the top
HONORIFIC = re.compile(r"[\u4e00-\u9fff]{1,2}总")

# how much a reading is trusted: a slip of the pen, a form of address, a title of which nothing else was read
SLIP_SURE, HONORIFIC_SURE, HALF_READ = 0.8, 0.5, 0.55


# who leads a division, a branch or a function under this name is not who leads the company
HEADS_OF_UNITS = ("总经理", "总裁", "general manager", "gm", "president")

OWNERS = ("founder", "board")
# the kinds of words that a reading rests on
TOLD = ("post", "generic", "grade", "assistant", "deputy", "former")
# c e o, C.E.O: letters one by one, which are read as one word where the dictionary has it
SPELT = re.compile(r"\b[a-z](?: [a-z]){1,3}\b")
# an ending that many titles share tells nothing of which one was meant (线长 is no slip of 县长)
SHARED_ENDINGS = frozenset("长员师工总任官")


@dataclass(frozen=True)
class Sense:
    """What a term of the dictionary means: a level, a function, or a word of another kind (seed title_words)."""

    seniority: str = ""
    job_function: str = ""
    kind: str = "post"
    meaning: str = ""


@dataclass(frozen=True)
class Post:
    """One post of a title, as far as it was read."""

    seniority: str
    job_function: str
    sure: float
    is_former: bool = False


@dataclass(frozen=True)
class Title:
    """What a title says.

    Attributes:
        seniority: intern, staff, senior, manager, director, vp, c_level, board, founder or unknown.
        job_function, department: of seeds/titles/job_functions.csv, or unknown.
        other_functions: of further posts in the same title.
        duties: in English, of the functions named.
        decision_role: final, user or adviser; buying_influence and buying_role say the same in the words of
            Miller-Heiman and HubSpot; None when nothing is known. A guess from the title alone.
        confidence: that seniority and function are right, 0 to 1.
        matched_terms: the terms that it rests on, a slip as `found→term`.
    """

    seniority: str = UNKNOWN
    job_function: str = UNKNOWN
    department: str = UNKNOWN
    other_functions: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    decision_role: str | None = None
    buying_influence: str | None = None
    buying_role: str | None = None
    decision_confidence: float | None = None
    confidence: float = 0.0
    matched_terms: tuple[str, ...] = ()


NOTHING = Title()


class TitleReader:
    """Reads titles with the dictionaries of dbt_project/seeds/titles.

    Raises:
        ConfigError: a dictionary is missing or a line of it is malformed.
    """

    def __init__(self) -> None:
        words = rows_of("titles/title_words")
        self.ranks = {row["seniority"]: int(row["rank"]) for row in rows_of("titles/seniorities")}
        self.functions = {row["job_function"]: row for row in rows_of("titles/job_functions")}
        self.nothings = {row["term"] for row in words if row["kind"] == "nothing"}
        self.slips = {row["term"]: row["meaning"] for row in words if row["kind"] == "slip"}
        self.real_words = {row["term"] for row in words}
        self.roles = {(row["seniority"], row["job_function"]): row for row in rows_of("titles/decision_roles")}
        posts = {row["term"]: Sense(row["seniority"], row["job_function"]) for row in rows_of("titles/title_terms")}
        for row in words:
            if row["kind"] not in ("nothing", "slip", "word"):
                known = posts.get(row["term"], Sense())
                posts[row["term"]] = replace(known, kind=row["kind"], meaning=row["meaning"])
        self.vocabulary = Vocabulary(posts.items())
        self.posts = posts

    def read(self, raw: str | None) -> Title:
        """Reads one title; one that says nothing gives `unknown` and no confidence."""
        text = DOTS.sub("", plain(raw).lower()).strip(" .-_/'\"*~!?#")
        if not text or text in self.nothings or not re.search(r"[^\W\d_]", text):
            return NOTHING
        text = SPELT.sub(self._as_word, text)
        matches = best_cover(len(text), [*self.vocabulary.found(text), *self._written_slips(text)])
        matches = self._with_slips(text, matches)
        posts = [post for part in self._parts(text, matches) for post in self._posts(text, part)]
        if not posts and HONORIFIC.fullmatch(text):
            posts = [Post("c_level", GENERAL, HONORIFIC_SURE)]
        if not posts:
            return NOTHING
        return self._told(text, matches, posts)

    def _as_word(self, spelt: re.Match[str]) -> str:
        word = spelt[0].replace(" ", "")
        return word if word in self.posts else spelt[0]

    def _written_slips(self, text: str) -> Iterable[Match[Sense]]:
        for slip, meant in self.slips.items():
            at = text.find(slip)
            if at >= 0:
                yield Match(at, at + len(slip), f"{slip}→{meant}", self.posts[meant], SLIP_SURE)

    def _with_slips(self, text: str, matches: list[Match[Sense]]) -> list[Match[Sense]]:
        """Tries what no term covers as a slip of the pen."""
        covered = [False] * len(text)
        for match in matches:
            covered[match.start : match.end] = [True] * (match.end - match.start)
        found = [
            Match(word.start(), word.end(), f"{word[0]}→{meant}", self.posts[meant], SLIP_SURE)
            for word in WORD.finditer(text)
            if not any(covered[word.start() : word.end()]) and (meant := self._near(word[0]))
        ]
        found += self._homophones(text, covered)
        return best_cover(len(text), [*matches, *found]) if found else matches

    def _near(self, word: str) -> str | None:
        """The one term that is a letter (of nine or more: two) away from a word; None where there is none or two."""
        if word in self.real_words:
            return None
        most = 2 if len(word) >= 9 else 1
        near = process.extract(word, self._latin_words, scorer=DamerauLevenshtein.distance, score_cutoff=most, limit=2)
        if not near or (len(near) > 1 and near[0][1] == near[1][1]):
            return None
        return str(near[0][0])

    @cached_property
    def _latin_words(self) -> list[str]:
        return [term for term in self.posts if re.fullmatch(WORD, term)]

    @cached_property
    def _sounds(self) -> dict[tuple[str, ...], str]:
        """How the terms of two to four characters sound; the ones that name a level win over the others."""
        terms = [term for term in self.posts if 2 <= len(term) <= 4 and all(map(has_han, term))]
        terms.sort(key=lambda term: not self.posts[term].seniority)
        found: dict[tuple[str, ...], str] = {}
        for term in terms:
            found.setdefault(tuple(lazy_pinyin(term)), term)
        return found

    def _homophones(self, text: str, covered: Sequence[bool]) -> list[Match[Sense]]:
        """Windows that hold something unread, sound like a term and share a character with it (经里 for 经理)."""
        if not has_han(text) or all(covered):
            return []
        found = []
        for size in (4, 3, 2):
            for start in range(len(text) - size + 1):
                window = text[start : start + size]
                if all(covered[start : start + size]) or not all(map(has_han, window)):
                    continue
                term = self._sounds.get(tuple(lazy_pinyin(window)))
                if term and term != window and _shares_more_than_ending(window, term):
                    meant = Match(start, start + size, f"{window}→{term}", self.posts[term], SLIP_SURE)
                    found.append(meant)
        return found

    def _parts(self, text: str, matches: list[Match[Sense]]) -> list[list[Match[Sense]]]:
        """The matches between separators; a part with a function alone joins the level that it stands beside."""
        cuts = [
            at.start()
            for at in SEPARATOR.finditer(text)
            if not any(match.start < at.start() and at.end() < match.end for match in matches)
        ]
        cuts += [
            match.start for match in matches if match.meaning.kind == "joint" and self._joins_posts(match, matches)
        ]
        cuts.sort()
        parts: list[list[Match[Sense]]] = []
        begin = 0
        for cut in [*cuts, len(text)]:
            part = [match for match in matches if begin <= match.start < cut]
            if part:
                parts.append(part)
            begin = cut
        joined: list[list[Match[Sense]]] = []
        for part in parts:
            before = joined[-1] if joined else None
            if _is_over(part[0], part) and part[0].meaning.meaning != "left":
                joined.append(part)  # Founder; ex-Google PM: what was says nothing of what is
                continue
            is_beside = before is not None and not (_levels(part) and _levels(before))
            if before is not None and (not _levels(before) or (is_beside and not (_functions(part) and _own(before)))):
                joined[-1] = before + part
            else:
                joined.append(part)
        return joined

    @staticmethod
    def _joins_posts(joint: Match[Sense], matches: list[Match[Sense]]) -> bool:
        """Whether an `and` stands between two posts (经理兼主管), not between two functions of one (流程与IT经理)."""
        before = [match for match in matches if match.end <= joint.start]
        after = [match for match in matches if match.start >= joint.end]
        return bool(_levels(before) and _levels(after) and _levels([before[-1]]))

    def _posts(self, text: str, part: list[Match[Sense]]) -> list[Post]:
        is_latin = not has_han(text[part[0].start : part[-1].end])
        return self._latin_posts(part) if is_latin else self._chinese_posts(text, part)

    def _latin_posts(self, part: list[Match[Sense]]) -> list[Post]:
        """`Senior Director of Sales Operations`: the head is the last level before `of`, a comma or a dash."""
        kinds = [match.meaning.kind for match in part]
        former = "former" in kinds
        helped = "assistant" in kinds and any(match.term.endswith((" to", " to the")) for match in part)
        turn = next((at for at, kind in enumerate(kinds) if kind == "of" and _levels(part[:at])), None)
        gaps = [at for at, (one, two) in enumerate(pairwise(part), 1) if two.start - one.end > 1 and _levels(part[:at])]
        turn = min([*([turn] if turn is not None else []), *gaps[:1]], default=len(part))
        head, tail = part[:turn], part[turn:]
        levels = _levels(head) or _levels(tail)
        # what is led stands behind `of`, else right before the head
        named = _functions(tail) or _functions(head)
        function = (named[0] if _functions(tail) else _what(named)) if named else None
        if helped:
            return [self._post("staff", Sense(job_function="administration"), part, former)]
        if not levels:
            level = "senior" if _grades(part) else ""
            own = function.meaning if function else Sense()
            return [self._post(level, own, part, former)] if function or level else []
        ranked = {match.meaning.seniority for match in levels}
        level = levels[-1].meaning.seniority
        if "intern" in ranked:
            level = "intern"
        elif "c_level" in ranked and any(match.term == "chief" for match in levels):
            level = "c_level"
        helps = len(levels) > 1 and levels[-1].term == "assistant"
        if helps:
            level = "staff"
        own = function.meaning if function and _is_own(function) else levels[-1].meaning
        if function and not own.job_function:
            own = function.meaning
        if helps and own.job_function == GENERAL:
            own = Sense(job_function="administration")
        if level == "c_level" and levels[-1].term in HEADS_OF_UNITS and own.job_function not in ("", GENERAL):
            level = "vp"
        return [self._post(self._graded(level, head, own), own, part, former)]

    def _chinese_posts(self, text: str, part: list[Match[Sense]]) -> list[Post]:
        """Every level closes a post; the function nearest before it is the post's own."""
        posts: list[Post] = []
        open_matches: list[Match[Sense]] = []
        former = any(_is_over(match, part) for match in part)
        for at, match in enumerate(part):
            sense = match.meaning
            closes = bool(_levels([match]))
            follower = part[at + 1] if at + 1 < len(part) else None
            if sense.seniority == "staff" and follower and follower.start == match.end and _levels([follower]):
                closes = False  # 客户经理主管 is a 主管
            if sense.kind == "assistant":
                if posts and not open_matches:
                    posts[-1] = self._helper(posts[-1])
                    continue
                closes = at == len(part) - 1 or not _levels(part[at + 1 :])
                if not closes:
                    open_matches.append(match)
                    continue
            open_matches.append(match)
            if closes:
                posts.append(self._closed(open_matches, former))
                open_matches = []
        functions = _functions(open_matches)
        shares = [match.meaning.job_function for match in functions if match.meaning.job_function not in ("", GENERAL)]
        if shares and posts and posts[-1].job_function in (GENERAL, UNKNOWN):
            # 副总经理（运营）: what stands behind a head of everything is his share of it
            posts[-1] = replace(posts[-1], job_function=shares[0])
        if functions and not posts:
            # 技术总: whoever leads a function at the top
            level = "vp" if text.endswith("总") else ""
            posts.append(self._post(level, functions[-1].meaning, open_matches, former))
        elif functions and posts[-1].job_function == UNKNOWN:
            # 经理(财务): what is led stands behind
            posts[-1] = replace(posts[-1], job_function=functions[-1].meaning.job_function)
        elif not posts and _grades(open_matches):
            posts.append(self._post("senior", Sense(), open_matches, former))
        return posts

    def _closed(self, matches: list[Match[Sense]], former: bool) -> Post:
        level = matches[-1].meaning.seniority or "staff"
        functions = [match for match in _functions(matches) if _is_own(match)]
        own = _what(functions).meaning if functions else next((m.meaning for m in _functions(matches)), Sense())
        before = matches[:-1]
        if matches[-1].term == "主任" and before and before[-1].term.endswith(("中心", "研究院", "研究所", "院")):
            level = "director"
        unit = any(match.meaning.meaning == "unit" for match in before)
        leads_part = bool([m for m in _functions(before) if _is_own(m)]) or unit
        if level == "c_level" and matches[-1].term in HEADS_OF_UNITS and leads_part:
            level = "vp"
        return self._post(self._graded(level, before, own), own, matches, former)

    def _graded(self, level: str, before: list[Match[Sense]], own: Sense) -> str:
        """Senior in front raises staff, deputy in front lowers the top."""
        if level == "staff" and _grades(before):
            return "senior"
        if any(match.meaning.kind == "deputy" for match in before) and level == "c_level":
            return "vp"
        return level

    @staticmethod
    def _helper(post: Post) -> Post:
        """总监助理 assists a director and is none; the assistant of the head of a company works in his office."""
        function = "administration" if post.job_function == GENERAL else post.job_function
        return Post("staff", function, post.sure * 0.9, post.is_former)

    @staticmethod
    def _post(level: str, own: Sense, matches: list[Match[Sense]], former: bool) -> Post:
        sure = min((match.sure for match in matches), default=1.0)
        return Post(level or UNKNOWN, own.job_function or UNKNOWN, sure, former)

    def _told(self, text: str, matches: list[Match[Sense]], posts: list[Post]) -> Title:
        """The title as its highest present post tells it."""
        present = [post for post in posts if not post.is_former]
        if not present:
            return Title(matched_terms=_told_by(matches))
        best = max(present, key=lambda post: self.ranks.get(post.seniority, 0))
        function = best.job_function
        # who owns a company, or is second to its head, says by another post what he does there
        if function == UNKNOWN or (function == GENERAL and best.seniority in (*OWNERS, "vp")):
            told = (post.job_function for post in present if post.job_function not in (UNKNOWN, GENERAL))
            function = next(told, function)
        named = [function, *(post.job_function for post in present), *_all_functions(matches)]
        others = [one for one in dict.fromkeys(named) if one not in (function, UNKNOWN, GENERAL, "")]
        details = self.functions.get(function)
        role = self._role(best.seniority, function)
        sure = self._confidence(text, matches, best)
        return Title(
            seniority=best.seniority,
            job_function=function,
            department=details["department"] if details else UNKNOWN,
            other_functions=tuple(others),
            duties=tuple(d.strip() for d in details["duties_en"].split(";")) if details else (),
            decision_role=role["decision_role"] if role else None,
            buying_influence=role["buying_influence"] if role else None,
            buying_role=role["buying_role"] if role else None,
            decision_confidence=round(float(role["confidence"]) * sure, 3) if role else None,
            confidence=sure,
            matched_terms=_told_by(matches),
        )

    def _role(self, seniority: str, function: str) -> dict[str, str] | None:
        return self.roles.get((seniority, function)) or self.roles.get((seniority, "*"))

    @staticmethod
    def _confidence(text: str, matches: list[Match[Sense]], best: Post) -> float:
        """How much of the title was read, times how sure the reading is."""
        signs = [at for at, sign in enumerate(text) if sign.isalnum()]
        read = {at for match in matches for at in range(match.start, match.end)}
        share = sum(at in read for at in signs) / len(signs) if signs else 0.0
        return round(0.97 * best.sure * (HALF_READ + (1 - HALF_READ) * share), 3)


def _shares_more_than_ending(window: str, term: str) -> bool:
    shared = [at for at, (one, other) in enumerate(zip(window, term, strict=True)) if one == other]
    return bool(shared) and not (shared == [len(term) - 1] and term[-1] in SHARED_ENDINGS)


def _is_over(match: Match[Sense], part: list[Match[Sense]]) -> bool:
    """Whether a word says that the post is no more: 前 in front of it, 已离职 wherever it stands."""
    sense = match.meaning
    return sense.kind == "former" and (match.start == part[0].start or sense.meaning == "left")


def _levels(part: list[Match[Sense]]) -> list[Match[Sense]]:
    return [m for m in part if m.meaning.seniority and m.meaning.kind not in ("grade", "scope", "joint", "of")]


def _grades(part: list[Match[Sense]]) -> list[Match[Sense]]:
    return [match for match in part if match.meaning.kind == "grade"]


def _told_by(matches: list[Match[Sense]]) -> tuple[str, ...]:
    return tuple(match.term for match in matches if match.meaning.kind in TOLD)


def _functions(part: list[Match[Sense]]) -> list[Match[Sense]]:
    return [match for match in part if match.meaning.job_function]


def _is_own(match: Match[Sense]) -> bool:
    """Whether a term names a function by itself: 总经理 stands for all, and there are engineers in every function."""
    sense = match.meaning
    return bool(sense.job_function) and sense.job_function != GENERAL and sense.kind != "generic"


def _what(functions: list[Match[Sense]]) -> Match[Sense]:
    """The function that a post is of: the last, but projects are how work is done (数字化项目经理 works in IT)."""
    others = [match for match in functions if _is_own(match) and match.meaning.job_function != PROJECTS]
    return (others or functions)[-1]


def _own(part: list[Match[Sense]]) -> bool:
    return any(map(_is_own, part))


def _all_functions(matches: list[Match[Sense]]) -> list[str]:
    return [match.meaning.job_function for match in matches if _is_own(match)]


@cache
def title_reader() -> TitleReader:
    """The reader with the project's own dictionaries, made once."""
    return TitleReader()
