"""What sessions of a database come to in numbers that only grow: those that are there, and those that went.

What is kept of a session that goes is written in the transaction in which it goes, and counts while no such session is
there: one that a machine sends again counts once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tfstore.index.counters import Counters, as_json, of_calls, of_errors, of_redactions, of_row
from tfstore.index.rows import calls_from, row_from

if TYPE_CHECKING:
    from tfstore.postgres.connecting import Connection
    from tfstore.postgres.kept_apart import Ask

Key = tuple[str, str]
"""The id of a store, and that of one of its sessions."""

BATCH: Final = 1_000

IDENTITY: Final = (
    "encode(sha256(convert_to(concat_ws(E'\\x1f', s.source_id, s.session_id, s.began), 'UTF8')), 'hex')"
)
"""What tells whether a session that went is there again, as ``tfstore.index.counters.identity_of`` does."""

_KINDS: Final = ("assistant_call", "tool_call")
_THESE: Final = "(s.source_id, s.session_id) IN (SELECT * FROM unnest(%s::uuid[], %s::text[])) AND s.listed"


def keep(connection: Connection, going: Sequence[Key]) -> None:
    """Write down what sessions came to that are about to go, in the transaction that is open."""
    left = iter(going)
    while some := list(islice(left, BATCH)):
        _keep(connection, some)


def _keep(connection: Connection, some: Sequence[Key]) -> None:
    keys = [each[0] for each in some], [each[1] for each in some]
    found: dict[Key, Counters] = {}
    identities: dict[Key, str] = {}
    sql = (
        f"SELECT s.source_id::text, s.session_id, {IDENTITY}, s.line FROM sessions s"
        f" WHERE {_THESE} AND s.line IS NOT NULL"
    )
    for source_id, session_id, identity, line in connection.execute(sql.encode(), keys):
        identities[source_id, session_id] = identity
        found[source_id, session_id] = of_row(row_from(line))
    sql = (
        "SELECT c.label, s.source_id::text, s.session_id, c.name, 1, c.failed::int, c.calls, c.errors, c.input_tokens,"
        f" c.output_tokens, c.durations FROM calls c JOIN sessions s USING (source_id, session_id) WHERE {_THESE}"
    )
    for label, source_id, session_id, *counts in connection.execute(sql.encode(), keys):
        if label in _KINDS and (source_id, session_id) in found:
            found[source_id, session_id].update(of_calls(label, [calls_from(*counts)]))
    sql = (
        "SELECT s.source_id::text, s.session_id, e.error_class, count(*) FROM agent_run_events e"
        f" JOIN sessions s USING (month, source_id, session_id) WHERE {_THESE} AND e.error_class IS NOT NULL"
        " GROUP BY 1, 2, 3"
    )
    errors: defaultdict[Key, dict[str, int]] = defaultdict(dict)
    for source_id, session_id, name, count in connection.execute(sql.encode(), keys):
        errors[source_id, session_id][name] = count
    for key, classes in errors.items():
        if key in found:
            found[key].update(of_errors(classes))
    sql = (
        "SELECT s.source_id::text, s.session_id, r.rule, r.count FROM redactions r"
        f" JOIN sessions s USING (source_id, session_id) WHERE {_THESE}"
    )
    for source_id, session_id, rule, count in connection.execute(sql.encode(), keys):
        if (source_id, session_id) in found:
            found[source_id, session_id].update(of_redactions({rule: count}))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO pruned_totals (identity, source_id, counters) VALUES (%s, %s, %s)"
            " ON CONFLICT (identity) DO UPDATE SET counters = excluded.counters, pruned_at = now()",
            [(identities[key], key[0], json.dumps(as_json(each))) for key, each in found.items()],
        )


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
            f" WHERE {ours} AND s.identity NOT IN (SELECT {IDENTITY} FROM sessions s) GROUP BY 1"
        )
        for name, count in ask(gone):
            found[tuple(name)] += int(count)
    return found
