"""What sessions of a database come to in numbers that only grow: those that are there, and those that went.

What is kept of a session that goes is written in the transaction in which it goes, and counts while no such session is
there: one that a machine sends again counts once. When there are many, the earliest of a store become one row, with
eight bytes left of each; that row always counts, and those of the sessions in it that are there again do not count for
themselves.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from tfstore.index.counters import (
    FOLDED,
    Counters,
    as_json,
    folded,
    folded_among,
    from_json,
    of_calls,
    of_errors,
    of_redactions,
    of_row,
    short,
)
from tfstore.index.rows import calls_from, row_from
from tfstore.postgres.connecting import until_done

if TYPE_CHECKING:
    from tfstore.postgres.connecting import Connection
    from tfstore.postgres.kept_apart import Ask

Key = tuple[str, str]
"""The id of a store, and that of one of its sessions."""

T = TypeVar("T")

BATCH: Final = 1_000

MOST: Final = 2_000
"""Sessions of a store that have rows of their own; when there are more, half of them are folded."""

IDENTITY: Final = (
    "encode(sha256(convert_to(concat_ws(E'\\x1f', s.source_id, s.session_id, s.began), 'UTF8')), 'hex')"
)
"""What tells whether a session that went is there again, as ``tfstore.index.counters.identity_of`` does."""

_KINDS: Final = ("assistant_call", "tool_call")
_THESE: Final = "(s.source_id, s.session_id) IN (SELECT * FROM unnest(%s::uuid[], %s::text[])) AND s.listed"


def keep(connection: Connection, going: Sequence[Key]) -> None:
    """Write down what sessions came to that are about to go, in the transaction that is open."""
    # While they are added together, nobody knows which are.
    connection.execute("LOCK TABLE pruned_totals IN ROW EXCLUSIVE MODE")

    def ask(sql: str, *values: Any) -> list[Any]:
        return connection.execute(sql.encode(), values).fetchall()

    together = _together(ask, "TRUE")
    left = iter(going)
    while some := list(islice(left, BATCH)):
        found = _of_each(ask, some)
        # What is counted together with others is so for good.
        again = folded_among(together, _by_short({each: each for each, _ in found.values()}))
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO pruned_totals (identity, source_id, counters) VALUES (%s, %s, %s)"
                " ON CONFLICT (identity) DO UPDATE SET counters = excluded.counters, pruned_at = now()",
                [
                    (identity, key[0], json.dumps(as_json(each)))
                    for key, (identity, each) in found.items()
                    if identity not in again
                ],
            )


def fold(connection: Connection) -> None:
    """Add the numbers of those of each store that went first together, where there are many."""
    until_done(partial(_fold, connection))


def _fold(connection: Connection) -> None:
    each = f"NOT starts_with(identity, '{FOLDED}')"
    many = f"SELECT source_id::text FROM pruned_totals WHERE {each} GROUP BY 1 HAVING count(*) > %s"
    if not connection.execute(many.encode(), (MOST,)).fetchall():
        return
    with connection.transaction():
        # Nobody writes down what goes, until this is done.
        connection.execute("LOCK TABLE pruned_totals IN SHARE ROW EXCLUSIVE MODE")
        for (source_id,) in connection.execute(many.encode(), (MOST,)).fetchall():
            first = (
                f"SELECT identity, counters FROM pruned_totals WHERE source_id = %s AND {each} AND identity NOT IN"
                f" (SELECT {IDENTITY} FROM sessions s WHERE s.source_id = %s)"
                " ORDER BY pruned_at DESC, identity OFFSET %s"
            )
            rows = connection.execute(first.encode(), (source_id, source_id, MOST // 2)).fetchall()
            going = {identity: from_json(counters) for identity, counters in rows if short(identity)}
            if going:
                values = (f"{FOLDED}-{uuid4()}", source_id, json.dumps(folded(going)))
                connection.execute("DELETE FROM pruned_totals WHERE identity = ANY(%s)", (list(going),))
                connection.execute(
                    "INSERT INTO pruned_totals (identity, source_id, counters) VALUES (%s, %s, %s)", values
                )


def _together(ask: Ask, ours: str) -> list[list[Any]]:
    """Return which sessions are counted together: rows as ``folded_among`` takes them."""
    asked = (
        "SELECT c FROM pruned_totals s, jsonb_array_elements(s.counters) c"
        f" WHERE {ours} AND starts_with(s.identity, '{FOLDED}') AND c ->> 0 = '{FOLDED}'"
    )
    return [row for (row,) in ask(asked)]


def _by_short(identities: Mapping[str, T]) -> dict[bytes, T]:
    return {key: each for identity, each in identities.items() if (key := short(identity)) is not None}


def _of_each(ask: Ask, some: Sequence[Key]) -> dict[Key, tuple[str, Counters]]:
    """Return the identity of each of some sessions, and what it comes to."""
    keys = [each[0] for each in some], [each[1] for each in some]
    found: dict[Key, Counters] = {}
    identities: dict[Key, str] = {}
    sql = (
        f"SELECT s.source_id::text, s.session_id, {IDENTITY}, s.line FROM sessions s"
        f" WHERE {_THESE} AND s.line IS NOT NULL"
    )
    for source_id, session_id, identity, line in ask(sql, *keys):
        identities[source_id, session_id] = identity
        found[source_id, session_id] = of_row(row_from(line))
    sql = (
        "SELECT c.label, s.source_id::text, s.session_id, c.name, 1, c.failed::int, c.calls, c.errors, c.input_tokens,"
        f" c.output_tokens, c.durations FROM calls c JOIN sessions s USING (source_id, session_id) WHERE {_THESE}"
    )
    for label, source_id, session_id, *counts in ask(sql, *keys):
        if label in _KINDS and (source_id, session_id) in found:
            found[source_id, session_id].update(of_calls(label, [calls_from(*counts)]))
    sql = (
        "SELECT s.source_id::text, s.session_id, e.error_class, count(*) FROM agent_run_events e"
        f" JOIN sessions s USING (month, source_id, session_id) WHERE {_THESE} AND e.error_class IS NOT NULL"
        " GROUP BY 1, 2, 3"
    )
    errors: defaultdict[Key, dict[str, int]] = defaultdict(dict)
    for source_id, session_id, name, count in ask(sql, *keys):
        errors[source_id, session_id][name] = count
    for key, classes in errors.items():
        if key in found:
            found[key].update(of_errors(classes))
    sql = (
        "SELECT s.source_id::text, s.session_id, r.rule, r.count FROM redactions r"
        f" JOIN sessions s USING (source_id, session_id) WHERE {_THESE}"
    )
    for source_id, session_id, rule, count in ask(sql, *keys):
        if (source_id, session_id) in found:
            found[source_id, session_id].update(of_redactions({rule: count}))
    return {key: (identities[key], each) for key, each in found.items()}


def total(ask: Ask, ours: str, *, went: bool, redacted: bool) -> Counters:
    """Return what all sessions come to that are or were there.

    Args:
        ask: all that it is asked is answered of the same moment.
        ours: the condition that a session is meant, ``s`` being its table.
        went: whether the database has a table of those that went; one of an earlier version has none.
        redacted: whether it has one of what redaction changed.
    """
    found: Counters = Counter()
    for (line,) in ask(f"SELECT s.line FROM sessions s WHERE {ours} AND s.listed"):
        found.update(of_row(row_from(line)))
    for label in _KINDS:
        calls = (
            "SELECT c.name, count(*), sum(c.failed::int), sum(c.calls), sum(c.errors), sum(c.input_tokens),"
            " sum(c.output_tokens), coalesce(string_agg(nullif(c.durations, ''), ','), '')"
            f" FROM calls c JOIN sessions s USING (source_id, session_id) WHERE {ours} AND s.listed AND c.label = %s"
            " GROUP BY c.name"
        )
        rows: list[Any] = ask(calls, label)
        found.update(of_calls(label, (calls_from(name, *map(int, n), took) for name, *n, took in rows)))
    errors = (
        "SELECT e.error_class, count(*) FROM agent_run_events e JOIN sessions s USING (month, source_id, session_id)"
        f" WHERE {ours} AND s.listed AND e.error_class IS NOT NULL GROUP BY 1"
    )
    found.update(of_errors(dict(ask(errors))))
    if redacted:
        rules = (
            "SELECT r.rule, sum(r.count)::bigint FROM redactions r JOIN sessions s USING (source_id, session_id)"
            f" WHERE {ours} AND s.listed GROUP BY 1"
        )
        found.update(of_redactions({rule: int(count) for rule, count in ask(rules)}))
    if went:
        gone = (
            "SELECT c - -1, sum((c ->> -1)::numeric) FROM pruned_totals s, jsonb_array_elements(s.counters) c"
            f" WHERE {ours} AND s.identity NOT IN (SELECT {IDENTITY} FROM sessions s) AND c ->> 0 <> '{FOLDED}'"
            " GROUP BY 1"
        )
        for name, count in ask(gone):
            found[tuple(name)] += int(count)
        if together := _together(ask, ours):
            there = f"SELECT {IDENTITY}, s.source_id::text, s.session_id FROM sessions s WHERE {ours} AND s.listed"
            keys = {identity: (source_id, session_id) for identity, source_id, session_id in ask(there)}
            again = iter(folded_among(together, _by_short(keys)))
            while some := list(islice(again, BATCH)):
                for _, each in _of_each(ask, some).values():
                    found.subtract(each)
    return found
