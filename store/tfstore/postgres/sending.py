"""Some sessions into the database, in one transaction: what is there already, and the same, is not touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from tfstore.postgres.outgoing import EVENT, SESSION
from tfstore.postgres.partitions import ensure_partitions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstore.postgres.connecting import Connection
    from tfstore.postgres.outgoing import Outgoing, Values

_COMING: Final = "coming_events"
_KEY: Final = ("month", "source_id", "session_id", "sequence_no")
_CALLS: Final = (
    *(
        "source_id",
        "session_id",
        "label",
        "name",
        "failed",
        "calls",
        "errors",
        "input_tokens",
        "output_tokens",
    ),
    "durations",
)
_REDACTIONS: Final = ("source_id", "session_id", "rule", "path", "action", "count", "bytes")
_LINKS: Final = ("response_id", "relation", "source_id", "session_id")


def send(connection: Connection, source_id: str, some: Sequence[Outgoing]) -> int:
    """Send sessions, all or none; return how many rows of steps there were.

    Raises:
        psycopg.Error: nothing of them was kept.
    """
    if not some:
        return 0
    ensure_partitions(connection, (each.month for each in some))
    connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {_COMING} (LIKE agent_run_events INCLUDING DEFAULTS, payload jsonb)"
        " ON COMMIT DELETE ROWS"
    )
    # Rows are locked in the order in which all lock them.
    some = sorted(some, key=lambda each: each.session_id)
    ids = [each.session_id for each in some]
    with connection.transaction():
        _sessions(connection, source_id, some)
        _moved(connection, source_id, some)
        _documents(connection, source_id, some)
        _events(connection, source_id, some, ids)
        _below(connection, source_id, some, ids)
    return sum(len(each.events) for each in some)


def _sessions(connection: Connection, source_id: str, some: Sequence[Outgoing]) -> None:
    # Pinned ones stay where they are kept.
    month = "CASE WHEN sessions.month = DATE '4000-01-01' THEN sessions.month ELSE excluded.month END"
    statement = sql.SQL(
        "INSERT INTO sessions (source_id, {}) VALUES (%s, {})"
        " ON CONFLICT (source_id, session_id) DO UPDATE SET {}"
        " WHERE sessions.document_sha256 <> excluded.document_sha256 OR sessions.told <> excluded.told"
        " OR sessions.rows_partial <> excluded.rows_partial"
    ).format(
        _names(SESSION),
        sql.SQL(", ").join([sql.Placeholder()] * len(SESSION)),
        sql.SQL(", ").join(
            sql.SQL("{0} = {1}").format(sql.Identifier(name), sql.SQL(month))
            if name == "month"
            else sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in SESSION
        ),
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(source_id, *(each.row[name] for name in SESSION)) for each in some])


def _moved(connection: Connection, source_id: str, some: Sequence[Outgoing]) -> None:
    """Remove what lies in the partitions of another month than the session's."""
    ids = [each.session_id for each in some]
    for table in ("documents", "agent_run_events", "agent_run_payloads"):
        connection.execute(
            sql.SQL(
                "DELETE FROM {} t USING sessions s WHERE t.source_id = s.source_id AND t.session_id = s.session_id"
                " AND t.month <> s.month AND s.source_id = %s AND s.session_id = ANY(%s)"
            ).format(sql.Identifier(table)),
            (source_id, ids),
        )


def _documents(connection: Connection, source_id: str, some: Sequence[Outgoing]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO documents (month, source_id, session_id, document)"
            " SELECT month, source_id, session_id, %s FROM sessions WHERE source_id = %s AND session_id = %s"
            " ON CONFLICT (month, source_id, session_id) DO UPDATE SET document = excluded.document"
            " WHERE documents.document <> excluded.document",
            [(each.packed, source_id, each.session_id) for each in some],
        )


def _events(connection: Connection, source_id: str, some: Sequence[Outgoing], ids: list[str]) -> None:
    months = dict(
        connection.execute(
            "SELECT session_id, month FROM sessions WHERE source_id = %s AND session_id = ANY(%s)",
            (source_id, ids),
        ).fetchall()
    )
    columns = ("month", "source_id", *EVENT)
    copy = sql.SQL("COPY {} ({}, payload) FROM STDIN").format(sql.Identifier(_COMING), _names(columns))
    with connection.cursor() as cursor, cursor.copy(copy) as rows:
        for each in some:
            for values in each.events:
                rows.write_row((months[each.session_id], source_id, *values))
    # Whoever deletes first makes room for steps that changed their number.
    for table in ("agent_run_events", "agent_run_payloads"):
        connection.execute(
            sql.SQL(
                "DELETE FROM {} t WHERE t.source_id = %s AND t.session_id = ANY(%s) AND t.month = ANY(%s)"
                " AND NOT EXISTS (SELECT 1 FROM {} c WHERE c.month = t.month AND c.session_id = t.session_id"
                " AND c.sequence_no = t.sequence_no)"
            ).format(sql.Identifier(table), sql.Identifier(_COMING)),
            (source_id, ids, list(set(months.values()))),
        )
    changed = [name for name in columns if name not in _KEY]
    connection.execute(_upsert("agent_run_events", columns, changed))
    connection.execute(_upsert("agent_run_payloads", (*_KEY, "payload", "sha256"), ["payload", "sha256"]))


def _upsert(table: str, columns: Sequence[str], changed: Sequence[str]) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {coming}"
        " ON CONFLICT (month, source_id, session_id, sequence_no) DO UPDATE SET {changed}"
        " WHERE {table}.sha256 <> excluded.sha256{payload}"
    ).format(
        table=sql.Identifier(table),
        columns=_names(columns),
        coming=sql.Identifier(_COMING),
        changed=sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in changed
        ),
        # One that had no room the last time has it now, or the other way round.
        payload=sql.SQL(
            " OR (agent_run_payloads.payload IS NULL) <> (excluded.payload IS NULL)"
            if "payload" in changed
            else ""
        ),
    )


def _below(connection: Connection, source_id: str, some: Sequence[Outgoing], ids: list[str]) -> None:
    """Write what a session's calls come to, and which responses it made and goes on from, where that changed."""
    calls = {(source_id, *values) for each in some for values in each.calls}
    links = {
        (response, relation, source_id, name) for each in some for response, relation, name in each.links
    }
    _replace(connection, "calls", _CALLS, calls, (source_id, ids))
    _replace(connection, "links", _LINKS, links, (source_id, ids))
    redactions = {(source_id, *values) for each in some for values in each.redactions}
    _replace(connection, "redactions", _REDACTIONS, redactions, (source_id, ids))


def _replace(
    connection: Connection,
    table: str,
    names: Sequence[str],
    coming: set[Values],
    whose: tuple[str, list[str]],
) -> None:
    """Make the rows of some sessions in a table those that are given; the same ones are not touched."""
    asked = sql.SQL("SELECT {} FROM {} WHERE source_id = %s AND session_id = ANY(%s)").format(
        sql.SQL(", ").join(
            sql.SQL("source_id::text") if name == "source_id" else sql.Identifier(name) for name in names
        ),
        sql.Identifier(table),
    )
    there: set[Values] = set(connection.execute(asked, whose).fetchall())
    every = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names)
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(names))
    with connection.cursor() as cursor:
        if gone := there - coming:
            statement = sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table), every)
            cursor.executemany(statement, list(gone))
        if new := coming - there:
            statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table), _names(names), marks
            )
            cursor.executemany(statement, list(new))


def _names(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
