"""Short, old, misspelt and English names of companies to the full names of a list: the best one, or none when unsure.

Candidates share rare characters or words with the name asked for (an inverted index in the engine, terms weighted by
their inverse document frequency: Sparck Jones 1972). A candidate's odds come of what the two names have in common: the
share of the short one's terms that the long one has, its characters in the same order (longest common subsequence),
brand, trade and place; in two scripts, brands that sound the same (武汉锐格, Wuhan Ruige), place and section of trade.
A place or a branch that contradicts rules a candidate out; a place within the other one does not (昆山, 苏州). The
score is the share of a candidate's odds in those of all candidates and of none: where two companies fit equally well
each has a half, and neither is given. The weights are judgements, not fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import LCSseq, Levenshtein
from rapidfuzz.process import cpdist

from persona_warehouse.recognise.companies import parse_companies
from persona_warehouse.recognise.company_words import place_of, sections_of, sound_of
from persona_warehouse.recognise.text import has_han
from persona_warehouse.warehouse import scratch

# candidates that are looked at for a name; a term that more of the list has than this tells nothing
CANDIDATES, MOST_COMMON = 15, 0.2
# so many of its rarest terms find a name's candidates, which may be in so many of the listed names
RAREST, REACHED = 10, 3000
# two brands in two scripts are compared from so many letters on
SHORTEST_SOUND = 4
# a best match is given when it is so likely
SURE = 0.6

# log odds that a candidate is meant; nothing makes up for what rules it out
RULED_OUT = -30.0
BASE = -7.0
WEIGHTS = {
    "coverage": 4.5, "in_order": 4.0, "same_brand": 4.0, "brand_begins": 2.0, "brand_cut": -3.0, "brand_near": 2.0,
    "same_trade": 1.0, "other_trade": -1.5, "same_place": 1.7, "other_place": RULED_OUT, "same_name": 6.0,
    "whole_brand": 0.5, "other_branch": RULED_OUT, "branch_asked": RULED_OUT, "branch_listed": -2.0, "length": 1.0,
    "abbreviation": 1.5, "same_sound": 6.0, "same_section": 2.0, "other_section": -3.0,
}  # fmt: skip


@dataclass(frozen=True)
class Matches:
    """For every name asked for: `best_match` (null when unsure), its `score`, `second_best`, `second_score`, and what
    the score rests on."""

    columns: dict[str, pa.Array]


def match_companies(names: pa.Array, against: pa.Array) -> Matches:
    """Finds each name in the list `against` (full names; nulls and doubles are passed over)."""
    full = pc.unique(against.drop_null())
    with scratch() as connection:
        for table, values in (("asked", names), ("listed", full)):
            parts = parse_companies(values)
            rows = pa.table({"id": pa.array(np.arange(len(values))), "name": values, **parts})
            connection.register(f"{table}_parts", rows)
            connection.register(f"{table}_sounds", _sounds(parts["brand"]))
            connection.execute(
                f"create temp table {table} as {_WITH_CORE} {table}_parts) left join {table}_sounds using (brand)"
                " where brand is not null"
            )
        connection.execute(_TERMS)
        pairs = connection.execute(_PAIRS).to_arrow_table()
    return _best(names, full, pairs, _scores(pairs))


# what is compared: brand and trade without legal form, in one form; a name that is none of a company's is as it stands
_WITH_CORE = r"""
select id, name, brand, trade, place, branch, legal_form, is_latin, sound, word,
       regexp_replace(lower(coalesce(brand || coalesce(case when is_latin then ' ' else '' end || trade, ''), '')),
                      '[\s&.,·-]+', case when is_latin then ' ' else '' end, 'g') as core,
       regexp_replace(lower(concat_ws(' ', place, brand, trade, branch)), '[\s&.,·-]+',
                      case when is_latin then ' ' else '' end, 'g') as whole
from (select *, not regexp_matches(coalesce(name, ''), '\p{Han}') as is_latin from"""


def _sounds(brands: pa.Array) -> pa.Table:
    """How each brand sounds, in whichever script, and the first word of it."""
    distinct = pc.unique(brands.drop_null())
    sounds = [sound_of(brand) for brand in distinct.to_pylist()]
    columns = {"sound": [one for one, _ in sounds], "word": [one for _, one in sounds]}
    return pa.table({"brand": distinct, **{name: pa.array(values, pa.string()) for name, values in columns.items()}})


# single characters and pairs of Chinese, words and the beginnings of words of other scripts
_SPLIT = r"""
select distinct id, unnest(
    case when regexp_matches(whole, '\p{Han}')
    then list_concat(
        list_filter(string_split(whole, ''), lambda c: regexp_matches(c, '[\p{L}\p{N}]')),
        list_transform(range(1, length(whole)), lambda i: substring(whole, cast(i as bigint), 2)))
    else list_concat(
        list_filter(string_split(whole, ' '), lambda w: w <> ''),
        list_transform(list_filter(string_split(whole, ' '), lambda w: length(w) > 3), lambda w: left(w, 4) || '*'))
    end) as term
from """

_TERMS = f"""
create temp table listed_terms as {_SPLIT} listed;
create temp table asked_terms as {_SPLIT} asked;
create temp table weights as
select term, count(*) as df, ln(1 + (select count(*) from listed) / count(*)) as weight
from listed_terms group by term;
create temp table unseen as select ln(1 + count(*)) as weight from listed;
"""

_PAIRS = f"""
with totals as (
    select t.id, sum(coalesce(w.weight, u.weight)) as total
    from asked_terms as t left join weights as w using (term) cross join unseen as u
    group by t.id
),
told as (
    select a.id, a.term, w.weight, w.df from asked_terms as a join weights as w using (term)
    where w.df <= greatest(50, {MOST_COMMON} * (select count(*) from listed))
),
-- the rarest terms find the candidates: all that the commonest few would add is work
rare as (
    select id, term, weight,
           sum(df) over (partition by id order by df, term) as reached,
           row_number() over (partition by id order by df, term) as place
    from told
    qualify place <= {RAREST} and (reached <= {REACHED} or place <= 2)
),
near as (
    select r.id as asked_id, l.id as listed_id, sum(r.weight) as in_rare
    from rare as r join listed_terms as l using (term)
    group by r.id, l.id
    qualify row_number() over (partition by asked_id order by in_rare desc, listed_id) <= {4 * CANDIDATES}
),
shared as (
    select n.asked_id, n.listed_id, sum(t.weight) as common
    from near as n
    join told as t on t.id = n.asked_id
    join listed_terms as l on l.id = n.listed_id and l.term = t.term
    group by n.asked_id, n.listed_id
    qualify row_number() over (partition by asked_id order by common desc, listed_id) <= {CANDIDATES}
),
-- the same brand in the other script: no character in common
alike as (
    select asked_id, listed_id
    from (
        select distinct a.id as asked_id, l.id as listed_id
        from (select id, is_latin, unnest(list_distinct([sound, word])) as sound from asked) as a
        join (select id, is_latin, unnest(list_distinct([sound, word])) as sound from listed) as l
            on l.sound = a.sound and l.is_latin <> a.is_latin
        where length(a.sound) >= {SHORTEST_SOUND}
    )
    qualify row_number() over (partition by asked_id order by listed_id) <= {CANDIDATES}
),
candidates as (
    select asked_id, listed_id, common, false as is_sound
    from shared anti join alike using (asked_id, listed_id)
    union all
    select asked_id, listed_id, 0.0, true from alike
)
select s.asked_id, s.listed_id, s.common / t.total as coverage, s.is_sound,
       a.core as asked_core, l.core as listed_core, a.whole as asked_whole, l.whole as listed_whole,
       lower(a.brand) as asked_brand, lower(l.brand) as listed_brand, lower(a.trade) as asked_trade,
       lower(l.trade) as listed_trade, lower(a.place) as asked_place, lower(l.place) as listed_place,
       a.branch as asked_branch, l.branch as listed_branch, a.legal_form as asked_form, l.legal_form as listed_form
from candidates as s
join totals as t on t.id = s.asked_id
join asked as a on a.id = s.asked_id
join listed as l on l.id = s.listed_id
order by s.asked_id, s.listed_id"""


def _scores(pairs: pa.Table) -> np.ndarray:
    """The score of each pair, 0 to 1."""
    text = {name: pairs.column(name).to_pylist() for name in pairs.column_names if pairs[name].type == pa.string()}
    asked, listed = text["asked_whole"], text["listed_whole"]
    if not asked:
        return np.zeros(0)
    brands = [one or "" for one in text["asked_brand"]], [one or "" for one in text["listed_brand"]]
    lengths = np.array([max(len(one), 1) for one in asked])
    order = cpdist(asked, listed, scorer=LCSseq.similarity) / lengths
    near = cpdist(*brands, scorer=Levenshtein.normalized_similarity)

    def both(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one, other = (np.array([v or "" for v in text[f"{side}_{name}"]], dtype=object) for side in ("asked", "listed"))
        known = (one != "") & (other != "")
        return one, other, known

    brand, listed_brand, _ = both("brand")
    trade, listed_trade, trades = both("trade")
    branch, listed_branch, branches = both("branch")
    core, listed_core, _ = both("core")
    form, _, _ = both("form")
    sound = pairs["is_sound"].to_numpy(zero_copy_only=False)
    same_place, other_place = _places(*both("place"))
    same_section, other_section = _sections(trade, listed_trade, sound & trades)
    begins = np.array([a != b and (a.startswith(b) or b.startswith(a)) for a, b in zip(*brands, strict=True)])
    cut = begins & np.array([has_han(a) and abs(len(a) - len(b)) == 1 for a, b in zip(*brands, strict=True)])
    overlap = np.array([bool(set(a) & set(b)) for a, b in zip(trade, listed_trade, strict=True)])
    features = {
        "coverage": pairs["coverage"].to_numpy(),
        "in_order": np.where(sound, 0.0, order),
        "same_brand": brand == listed_brand,
        "brand_begins": begins & ~cut,
        # 大疆 of 大疆域: a sign less is another brand more often than a short form
        "brand_cut": cut,
        "brand_near": np.where((brand != listed_brand) & ~begins & (near >= 0.6), near, 0.0),
        "same_trade": trades & (trade == listed_trade),
        "other_trade": trades & ~overlap & ~sound,
        "same_place": same_place,
        "other_place": other_place,
        # the brand alone is the name of every company that has it, the group of that name too
        "same_name": (core == listed_core) & ((trade != "") | (form != "")),
        "whole_brand": (core == listed_core) & (trade == "") & (form == ""),
        "other_branch": branches & (branch != listed_branch),
        "branch_asked": (branch != "") & (listed_branch == ""),
        "branch_listed": (branch == "") & (listed_branch != ""),
        # every character in order, from the first one of place or brand on: 上汽 of 上海汽车
        "abbreviation": (order == 1) & (brand != listed_brand) & ~begins & _same_first(brand, listed_brand, listed),
        "length": np.where(sound, 0.0, lengths / np.array([max(len(one), 1) for one in listed])),
        "same_sound": sound,
        "same_section": same_section,
        "other_section": other_section,
    }
    odds = np.exp(BASE + sum(WEIGHTS[name] * np.asarray(value, dtype=float) for name, value in features.items()))
    _, group = np.unique(pairs["asked_id"].to_numpy(), return_inverse=True)
    return odds / (1 + np.bincount(group, weights=odds))[group]


def _places(asked: np.ndarray, listed: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether places are the same or one lies in the other, and whether they contradict."""
    places = {name: place_of(name) for name in {*asked.tolist(), *listed.tolist()}}
    agree = np.zeros(len(asked), dtype=bool)
    for at in np.flatnonzero(known):
        (province, city), (other, other_city) = places[asked[at]], places[listed[at]]
        agree[at] = asked[at] == listed[at] or (
            province is not None and province == other and (not city or not other_city or city == other_city)
        )
    # 中国 contradicts no place
    told = known & np.array([None not in (places[a][0], places[b][0]) for a, b in zip(asked, listed, strict=True)])
    return agree, told & ~agree


def _sections(asked: np.ndarray, listed: np.ndarray, compared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether trades in two scripts are of one section of GB/T 4754, and whether they are of different ones."""
    same, other = np.zeros(len(asked), dtype=bool), np.zeros(len(asked), dtype=bool)
    for at in np.flatnonzero(compared):
        (one,), (two,) = sections_of(asked[at]), sections_of(listed[at])
        if one and two:
            same[at] = bool(set(one) & set(two))
            other[at] = not same[at]
    return same, other


def _same_first(brand: np.ndarray, listed_brand: np.ndarray, listed: list[str]) -> np.ndarray:
    rows = zip(brand, listed_brand, listed, strict=True)
    return np.array([one[:1] in (other[:1], whole[:1]) for one, other, whole in rows])


def _best(names: pa.Array, full: pa.Array, pairs: pa.Table, scores: np.ndarray) -> Matches:
    asked, listed = pairs["asked_id"].to_numpy(), pairs["listed_id"].to_numpy()
    order = np.lexsort((listed, -scores, asked))
    asked, listed, scores = asked[order], listed[order], scores[order]
    first = np.flatnonzero(np.r_[True, asked[1:] != asked[:-1]]) if len(asked) else np.zeros(0, dtype=np.int64)
    second = first + 1
    has_second = (second < len(asked)) & (asked[np.minimum(second, max(len(asked) - 1, 0))] == asked[first])
    best, score = np.full(len(names), -1), np.full(len(names), np.nan)
    next_best, next_score = np.full(len(names), -1), np.full(len(names), np.nan)
    best[asked[first]], score[asked[first]] = listed[first], scores[first]
    rows = asked[first[has_second]]
    next_best[rows], next_score[rows] = listed[second[has_second]], scores[second[has_second]]
    sure = score >= SURE
    return Matches(
        {
            "best_match": _names(full, np.where(sure, best, -1)),
            "score": _rounded(score),
            "second_best": _names(full, next_best),
            "second_score": _rounded(next_score),
            "nearest": _names(full, best),
        }
    )


def _names(full: pa.Array, at: np.ndarray) -> pa.Array:
    return full.take(pa.array(np.where(at < 0, 0, at), mask=at < 0))


def _rounded(values: np.ndarray) -> pa.Array:
    return pa.array(np.round(values, 4), mask=np.isnan(values))
