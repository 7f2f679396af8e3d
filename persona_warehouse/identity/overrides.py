"""Decisions by people: what is one whatever the data say, what is not, and what a company is also called.

They stand in the seed identity_overrides.csv and, for decisions of this home (an undone change), in
identity_overrides.csv there. They beat all keys and likeness.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.files import write_atomically
from persona_warehouse.identity.ledger import create_ledger
from persona_warehouse.recognise.vocabulary import SEEDS, read_rows
from persona_warehouse.settings import Settings

FIELDS = ("entity", "left_id", "right_id", "rule", "reason", "author", "since")
ENTITIES = ("account", "contact")
MUST, CANNOT, ALIAS = "must_link", "cannot_link", "alias"
SEED = SEEDS / "identity_overrides.csv"
FILE_NAME = "identity_overrides.csv"


@dataclass(frozen=True)
class Override:
    """A decision, with the file and the line (the header is line 1) where it stands.

    Attributes:
        left_id, right_id: of a record (`crm|companies|123`), of an account or contact, also a former one; of an alias
            the other name and the full name.
    """

    entity: str
    left_id: str
    right_id: str
    rule: str
    reason: str
    author: str
    since: str
    file: Path
    line: int

    @property
    def place(self) -> str:
        return f"{self.file.name} line {self.line}"


def home_file(settings: Settings) -> Path:
    """Where decisions of this home stand."""
    return settings.home / FILE_NAME


def read_overrides(settings: Settings) -> tuple[Override, ...]:
    """All decisions, none of which contradicts another.

    Raises:
        ConfigError: an unknown entity or rule, an empty id, or two lines that contradict each other.
    """
    found = [
        _checked(Override(**{name: row.get(name, "") for name in FIELDS}, file=path, line=number))
        for path in (SEED, home_file(settings))
        if path.is_file()
        for number, row in enumerate(read_rows(path), 2)
    ]
    raise_on_contradiction(found)
    return tuple(found)


def _checked(one: Override) -> Override:
    wrong = None
    if one.entity not in ENTITIES:
        wrong = ("entity", " or ".join(ENTITIES), one.entity)
    elif one.rule not in (MUST, CANNOT, ALIAS) or (one.rule == ALIAS and one.entity != "account"):
        wrong = ("rule", "must_link or cannot_link; of an account also alias", one.rule)
    elif not one.left_id or not one.right_id:
        wrong = ("left_id" if not one.left_id else "right_id", "an id", "nothing")
    if wrong:
        raise ConfigError(
            "a decision on who is who cannot be read",
            file=str(one.file), row=one.line - 1, field=wrong[0], expected=wrong[1], found=wrong[2] or "nothing",
            remedy="correct the line, or take it out",
        )  # fmt: skip
    return one


def raise_on_contradiction(overrides: Iterable[Override]) -> None:
    """Raises ConfigError when what must be one may not be one, also over others, or a name means two companies."""
    overrides = list(overrides)
    names: dict[str, Override] = {}
    for one in overrides:
        if one.rule == ALIAS:
            former = names.setdefault(one.left_id.lower(), one)
            if former.right_id != one.right_id:
                raise _contradiction(f"{one.left_id} means two companies", [former, one])
    links: dict[tuple[str, str], list[Override]] = {}
    for one in overrides:
        if one.rule == MUST:
            for side in (one.left_id, one.right_id):
                links.setdefault((one.entity, side), []).append(one)
    for one in overrides:
        if one.rule == CANNOT:
            chain = _chain(links, one)
            if chain is not None:
                raise _contradiction(f"{one.left_id} and {one.right_id} must be one and may not be one", [*chain, one])


def _chain(links: dict[tuple[str, str], list[Override]], cannot: Override) -> list[Override] | None:
    """The must-links, fewest first, that lead from one side of a cannot-link to the other."""
    came: dict[str, tuple[str, Override] | None] = {cannot.left_id: None}
    queue = deque([cannot.left_id])
    while queue:
        at = queue.popleft()
        if at == cannot.right_id:
            steps: list[Override] = []
            step = came[at]
            while step is not None:
                steps.append(step[1])
                step = came[step[0]]
            return steps[::-1]
        for one in links.get((cannot.entity, at), ()):
            other = one.right_id if one.left_id == at else one.left_id
            if other not in came:
                came[other] = (at, one)
                queue.append(other)
    return None


def _contradiction(problem: str, lines: list[Override]) -> ConfigError:
    return ConfigError(
        "decisions on who is who contradict each other: " + problem,
        file=", ".join(dict.fromkeys(str(one.file) for one in lines)),
        expected="lines that can all hold",
        found="; ".join(f"{one.place}: {one.rule} {one.left_id}, {one.right_id}" for one in lines),
        remedy="take one of these lines out",
    )


def append_to_home(settings: Settings, override: Override) -> None:
    """Adds a decision to the file of the home.

    Raises:
        ConfigError: it contradicts one that stands.
    """
    path = home_file(settings)
    before = path.read_text(encoding="utf-8") if path.is_file() else ",".join(FIELDS) + "\n"
    raise_on_contradiction([*read_overrides(settings), override])
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([getattr(override, name) for name in FIELDS])
    write_atomically(path, before.rstrip("\n") + "\n" + line.getvalue())


def take_overrides(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """override_links(entity, rule, node_l, node_r, line) and override_names(alias, full_name), from all decisions.

    Ids that nobody knows do no harm; see `report_unknown_ids`.

    Raises:
        ConfigError: see `read_overrides`; also when two decisions contradict each other by what their ids stand for.
    """
    create_ledger(connection)
    overrides = read_overrides(settings)
    links = [one for one in overrides if one.rule != ALIAS]
    connection.register("override_rows", _table(links))
    connection.execute("create or replace temp table override_given as from override_rows")
    connection.unregister("override_rows")
    names = [one for one in overrides if one.rule == ALIAS]
    connection.register(
        "override_rows",
        pa.table(
            {
                "alias": pa.array([one.left_id.lower() for one in names], pa.string()),
                "full_name": pa.array([one.right_id for one in names], pa.string()),
            }
        ),
    )
    connection.execute("create or replace temp table override_names as select distinct * from override_rows")
    connection.unregister("override_rows")
    _nodes_of_ids(connection)
    connection.execute("""
    create or replace temp table override_links as
    with pairs as (
        select g.entity, g.rule, g.number, l.node as node_l, r.node as node_r, l.is_former as is_former_l,
               r.is_former as is_former_r
        from override_given as g
        join override_nodes as l on l.entity = g.entity and l.id = g.left_id
        join override_nodes as r on r.entity = g.entity and r.id = g.right_id
        -- what has merged stands under both ids, and means the former one
        where l.node <> r.node
          and not (r.is_former and exists (
              select 1 from override_nodes as b where b.entity = r.entity and b.id = r.id and b.node = l.node))
          and not (l.is_former and exists (
              select 1 from override_nodes as b where b.entity = l.entity and b.id = l.id and b.node = r.node))
    ),
    ranked as (
        select *, node_l = min(node_l) over (partition by number) as is_first_l,
               node_r = min(node_r) over (partition by number) as is_first_r
        from pairs
    )
    -- of an id in use one record stands for all that are joined; a former id is what was under it
    select distinct entity, rule, node_l, node_r, number from ranked
    where rule = 'cannot_link'
       or ((is_first_l or is_former_l) and (is_first_r or is_former_r) and (is_first_l or is_first_r))""")
    _raise_on_contradicting_nodes(connection, links)


def _table(links: list[Override]) -> pa.Table:
    columns = {name: [getattr(one, name) for one in links] for name in ("entity", "left_id", "right_id", "rule")}
    return pa.table(
        {
            **{name: pa.array(values, pa.string()) for name, values in columns.items()},
            "number": pa.array(range(len(links)), pa.int64()),
            "place": pa.array([one.place for one in links], pa.string()),
        }
    )


def _nodes_of_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """override_nodes(entity, id, node, is_former): the records that an id stands for."""
    connection.execute("""
    create or replace temp table override_nodes as
    with ids as (
        select distinct entity, unnest([left_id, right_id]) as id from override_given
    ),
    found as (
        select i.entity, i.id, i.id as node, false as is_former from ids as i where contains(i.id, '|')
        union
        select i.entity, i.id, a.node, false from ids as i
        join identity.assigned as a on a.entity = i.entity and a.entity_id = i.id
        union
        -- a former id stands for the records that had it last
        select entity, id, unnest(records), true from (
            select i.entity, i.id, arg_max(c.records, (c.changed_on, c.change_id)) as records
            from ids as i
            join identity.changes as c on c.entity = i.entity
                and ((c.change = 'merge' and c.id_before = i.id) or (c.change = 'split' and c.id_after = i.id))
            where not exists (
                select 1 from identity.assigned as a where a.entity = i.entity and a.entity_id = i.id
            )
            group by i.entity, i.id
        )
    )
    from found""")


def report_unknown_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Writes ids of decisions that no record, account or contact ever bore to identity.problems."""
    connection.execute("create table if not exists identity.problems (kind varchar, subject varchar, detail varchar)")
    connection.execute("delete from identity.problems where kind = 'unknown id in a decision'")
    connection.execute("""
    insert into identity.problems
    select distinct 'unknown id in a decision', id, place
    from (select entity, unnest([left_id, right_id]) as id, place from override_given) as g
    where not exists (
        select 1 from override_nodes as n
        join identity.assigned as a on a.entity = n.entity and a.node = n.node
        where n.entity = g.entity and n.id = g.id
    )""")


def _raise_on_contradicting_nodes(connection: duckdb.DuckDBPyConnection, links: list[Override]) -> None:
    """The same as for ids, for the records that they stand for."""
    rows = connection.execute(
        "select rule, entity, node_l, node_r, number from override_links order by number, node_l, node_r"
    ).fetchall()
    raise_on_contradiction(_by_nodes(rows, links))


def _by_nodes(rows: list[tuple[str, str, str, str, int]], links: list[Override]) -> Iterator[Override]:
    for rule, entity, left, right, number in rows:
        one = links[number]
        yield Override(entity, left, right, rule, one.reason, one.author, one.since, one.file, one.line)
