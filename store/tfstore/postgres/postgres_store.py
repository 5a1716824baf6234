"""A database as a store to be read: what ``tfstore.store.Store`` answers of a folder, of many stores at once."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import psycopg
from attrs import evolve

from tfstore.document.notes import Note
from tfstore.document.pins import Pin
from tfstore.document.times import moment_text
from tfstore.either_store import EitherStore
from tfstore.errors import (
    AmbiguousSession,
    CorruptDocument,
    DatabaseUnusable,
    GoneToWarm,
    NewerDocument,
    StoreError,
    UnknownSession,
)
from tfstore.index.rows import Calls, Redacted, calls_from, row_from
from tfstore.index.wanted import Page, Wanted
from tfstore.postgres.connecting import as_ours, connect, is_lost, told_of, until_done
from tfstore.postgres.documents import DatabaseDocuments
from tfstore.postgres.fitting import fit
from tfstore.postgres.kept_apart import DatabaseBlobs, DatabaseNotes
from tfstore.postgres.migrating import check, number_of
from tfstore.postgres.pruned_totals import total
from tfstore.postgres.questions import EARLIEST, NAMED, condition, holding, order, split
from tfstore.postgres.sources import source_named
from tfstore.reading.noted import NotesWanted

if TYPE_CHECKING:
    import builtins
    from datetime import datetime

    from tinydb.queries import QueryLike

    from tfstore.document.documents import Session
    from tfstore.index.counters import Counters
    from tfstore.index.rows import SessionRow
    from tfstore.postgres.address import Address

_PINS: Final = 2
_TOTALS: Final = 3
"""The versions of the tables from which on there is one of what is pinned, and one of what went."""

_COLUMNS: Final = {"tool": "tool_name", "error": "error_class"}
"""Of steps, where the table's are called otherwise."""

_PIECES: Final = 8
"""Of a text that is looked for, so many parts are asked for at most: the document decides."""


class PostgresStore(EitherStore):
    """A team's store: the sessions of many machines, as ``tfclient sync`` sent them; to be read.

    A session is called by its id; where several stores have one of the same id, by ``id@store``, and so it calls
    itself. ``where`` is the database's address, without a password.

    Args:
        address: the database; its ``source`` narrows to one store's sessions.

    Raises:
        DatabaseLost: the server does not answer.
        DatabaseUnusable: there are no sessions there, or a later version's.
    """

    def __init__(self, address: Address) -> None:
        """Connect: what is wrong with the address is said at once."""
        self.address = address
        self._lock = threading.RLock()
        self._connect()
        self.version = check(self._connection, address, writes=False)
        self._source: str | None = None
        if address.source is not None:
            self._source = source_named(self._connection, address, address.source).source_id
        self._named = "s.session_id" if self._source else NAMED
        joined = (
            f"{self._named}, n.lines, n.sha256 FROM notes n JOIN sessions s USING (source_id, session_id)"
        )
        self.blobs = DatabaseBlobs(self._ask, self.where)
        self._documents = DatabaseDocuments(
            self._ask, self.where, named=self._named, among=self._from(), near=self.near
        )
        self.noting = DatabaseNotes(
            self._ask, f"SELECT {joined} JOIN sources src USING (source_id) WHERE {self._ours()}"
        )

    def close(self) -> None:
        """Close the connection; nothing can be asked any more."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the store, which is closed when the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    @property
    def where(self) -> str:
        """The database's address, as messages name it."""
        return self.address.shown

    @property
    def skipped(self) -> Mapping[str, str]:
        """Name and reason of each session whose document holds none, as the machine that sent it saw it."""
        sql = f"SELECT {self._named}, s.unfit {self._from()} AND s.unfit IS NOT NULL ORDER BY 1"
        return dict(self._ask(sql))

    def ids(self) -> builtins.list[str]:
        """Return the names of all sessions, sorted."""
        return sorted(name for (name,) in self._ask(f"SELECT {self._named} {self._from()}"))

    def has(self, session_id: str) -> bool:
        """Return whether there is just one session of this name."""
        with contextlib.suppress(UnknownSession):
            self._documents.place(session_id)
            return True
        return False

    def known(self, session_id: str) -> str:
        """Return the name of a session that is there.

        Raises:
            UnknownSession, AmbiguousSession: there is none, or more than one.
        """
        return self._documents.place(session_id).named

    def get(self, session_id: str) -> Session:
        """Return a session.

        Raises:
            UnknownSession, AmbiguousSession: there is none of this name, or more than one.
            GoneToWarm: its document was pruned from the database.
            CorruptDocument, NewerDocument: as from ``Store.get``.
        """
        place = self._documents.place(session_id)
        return self._documents.structured(place, self._documents.load(place))

    def text(self, session_id: str) -> bytes:
        """Return a session's document as it stands in its file, on the machine where it was recorded.

        Raises:
            UnknownSession, AmbiguousSession, GoneToWarm: as from ``get``.
        """
        return self._documents.text(self._documents.place(session_id))

    def changed_at(self, session_id: str) -> str:
        """Return what changes whenever a session's document does; nothing if there is none."""
        with contextlib.suppress(UnknownSession, AmbiguousSession):
            return self._documents.place(session_id).sha256
        return ""

    def page(self, wanted: Wanted, limit: int, offset: int) -> Page:
        """Return some of the rows of the sessions that are wanted, the latest first, and how many there are."""
        sql, values = condition(wanted)
        ((total,),) = self._ask(f"SELECT count(*) {self._from()} AND {sql}", *values)
        version = "sum(('x' || left(s.document_sha256, 7))::bit(28)::int)"
        ((count, number),) = self._ask(f"SELECT count(*), {version}::bigint {self._from()} AND s.listed")
        return Page(self._rows(wanted, limit, offset), total, count, number or 0)

    def names(self, kind: str, most: int) -> builtins.list[tuple[str, int]]:
        """Return names of kind ``tool`` or ``model`` and in how many sessions each is, the most frequent first."""
        column = {"tool": "tools", "model": "models"}[kind]
        sql = (
            f'SELECT name COLLATE "C", count(*) FROM (SELECT unnest(s.{column}) AS name, s.began {self._from()}'
            " AND s.listed) found GROUP BY 1 ORDER BY count(*) DESC, max(began) DESC, 1 LIMIT %s"
        )
        return [(name, count) for name, count in self._ask(sql, most)]

    def thread(self, begin: str) -> builtins.list[str]:
        """Return the names of the sessions of one thread, the earliest first: it holds a session, or a conversation.

        It goes on across stores, as far as they are in this database.
        """
        session_id, name = split(begin)
        wanted = "s.session_id = %s AND coalesce(src.name = %s, TRUE)"
        key = "s.source_id::text, s.session_id"
        left = self._ask(f"SELECT {key} {self._from()} AND {wanted}", session_id, name)
        left += self._ask(f"SELECT {key} {self._from()} AND s.conversations @> ARRAY[%s]::text[]", fit(begin))
        found = set(left)
        carried = (
            "SELECT o.source_id::text, o.session_id FROM links l JOIN links o USING (response_id)"
            " WHERE l.source_id = %s AND l.session_id = %s AND l.relation <> o.relation"
        )
        inside = (
            f"SELECT {key} {self._from()} AND s.conversations && (SELECT conversations FROM sessions"
            " WHERE source_id = %s AND session_id = %s)"
        )
        while left:
            each = left.pop()
            near = {*self._ask(carried, *each), *self._ask(inside, *each)} - found
            left += near
            found |= near
        sources, ids = [each[0] for each in found], [each[1] for each in found]
        pairs = "(s.source_id, s.session_id) IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))"
        sql = f"SELECT {self._named} {self._from()} AND {pairs} ORDER BY {EARLIEST}"
        return [name for (name,) in self._ask(sql, sources, ids)]

    def find(self, query: QueryLike) -> Iterator[Session]:
        """Yield the sessions whose documents a TinyDB query holds for, by name; each document is read for it."""
        for name in self.ids():
            with contextlib.suppress(StoreError):
                place = self._documents.place(name)
                document = self._documents.load(place)
                if query(document):
                    yield self._documents.structured(place, document)

    def may_say(
        self,
        pieces: Sequence[str],
        said: Callable[[Session], builtins.list[str]],  # noqa: ARG002 - it was said when it was sent
        version: int,
        label: str | None,
    ) -> set[str] | None:
        """Return the names of sessions of which a text may hold these pieces; None: any may."""
        if not pieces:
            return None
        longest = sorted(pieces, key=len, reverse=True)[:_PIECES]
        sql, values = holding(longest)
        labelled = "" if label is None else " AND label = %s"
        # What was not told, or by another version, may say anything.
        parts = [f"SELECT source_id, session_id FROM agent_run_events WHERE {sql.format('text')}{labelled}"]
        parts.append("SELECT source_id, session_id FROM sessions WHERE told < %s OR told > %s")
        asked: list[Any] = [*values, *([] if label is None else [fit(label)]), version, version]
        if label is None:
            parts.append(f"SELECT source_id, session_id FROM sessions WHERE {sql.format('said')}")
            asked += values
        found = f"SELECT {self._named} {self._from()} AND (s.source_id, s.session_id) IN ({' UNION '.join(parts)})"
        return {name for (name,) in self._ask(found, *asked)}

    def calls(
        self, label: Literal["assistant_call", "tool_call"], *, since: datetime | str | None = None
    ) -> builtins.list[Calls]:
        """Return what the calls of each model or tool come to, as ``Store.calls`` does."""
        joined: str = ""
        values: builtins.list[str] = [label]
        if since is not None:
            joined, values = " AND s.listed AND s.began >= %s", [moment_text(since), label]
        sql = (
            "SELECT c.name, count(*), sum(c.failed::int), sum(c.calls), sum(c.errors), sum(c.input_tokens),"
            " sum(c.output_tokens), coalesce(string_agg(nullif(c.durations, ''), ','), '')"
            f" FROM calls c JOIN sessions s USING (source_id, session_id) WHERE {self._ours()}{joined}"
            " AND c.label = %s GROUP BY c.name ORDER BY c.name"
        )
        rows = self._ask(sql, *values)
        return [calls_from(name, *map(int, counts), durations) for name, *counts, durations in rows]

    def counters(self) -> Counters:
        """Return what all sessions come to that are or were there, as ``Store.counters`` does."""
        with self._lock:
            # Of one moment: a session that goes meanwhile is in the one half of it or in the other.
            self._ask("SELECT 1")
            with told_of(self.address):
                return until_done(self._counters)

    def _counters(self) -> Counters:
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            redacted = self.version >= number_of("redactions_raw")
            return total(self._ask_once, self._ours(), went=self.version >= _TOTALS, redacted=redacted)

    def redactions(self, session_id: str | None = None) -> builtins.list[Redacted]:
        """Return what redaction changed, by rule, path and action, as ``Store.redactions`` does.

        Raises:
            UnknownSession, AmbiguousSession: there is none of this name, or more than one.
            DatabaseUnusable: its tables are of a version that does not have that.
        """
        if self.version < number_of("redactions_raw"):
            reason = (
                "what redaction changed is not in its tables: `tfclient sync URL --migrate` makes room for it"
            )
            raise DatabaseUnusable(self.where, reason)
        which, values = "s.listed", []
        if session_id is not None:
            place = self._documents.place(session_id)
            which, values = "r.source_id = %s AND r.session_id = %s", [place.source_id, place.session_id]
        sql = (
            'SELECT r.rule COLLATE "C", r.path COLLATE "C", r.action, count(*), sum(r.count)::bigint,'
            " sum(r.bytes)::bigint FROM redactions r JOIN sessions s USING (source_id, session_id)"
            f" JOIN sources src USING (source_id) WHERE {self._ours()} AND {which} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        return [Redacted(*each) for each in self._ask(sql, *values)]

    def continued_in(self, response_id: str) -> builtins.list[str]:
        """Return the names of the sessions that go on from this response of another session."""
        return self._linked(response_id, "continued")

    def notes(self, session_id: str) -> builtins.list[Note]:
        """Return what was noted on a session when it was sent, the earliest first.

        Raises:
            UnknownSession, AmbiguousSession: there is none of this name, or more than one.
        """
        return self.noting.read(self.known(session_id)).notes

    def noted(self, *, tags: Iterable[str] = (), score: str | None = None) -> dict[str, builtins.list[Note]]:
        """Return the names of sessions that something was noted on, each with those notes, as ``Store.noted`` does."""
        wanted = NotesWanted.of(tags, score)
        every = {name: list(filter(wanted.holds, each.notes)) for name, each in self.noting.every().items()}
        return {name: notes for name, notes in every.items() if notes}

    def pins(self) -> dict[str, builtins.list[Pin]]:
        """Return the names of pinned sessions, each with what it is pinned for, as ``Store.pins`` does."""
        found: dict[str, builtins.list[Pin]] = {}
        if self.version < _PINS:
            return found
        sql = (
            f"SELECT {self._named}, i.incident, i.note, i.pinned_at FROM incidents i"
            " JOIN sessions s USING (source_id, session_id) JOIN sources src USING (source_id)"
            f" WHERE {self._ours()} ORDER BY 1, i.pinned_at, i.incident"
        )
        for name, incident, note, at in self._ask(sql):
            found.setdefault(name, []).append(Pin(incident, note, moment_text(at)))
        return found

    def last_seen(self) -> dict[str, datetime]:
        """Return when each store last sent what it has, by its name; told every ten minutes at most."""
        narrowed = "TRUE" if self._source is None else f"source_id = '{self._source}'"
        return dict(self._ask(f"SELECT name, last_seen FROM sources WHERE {narrowed} ORDER BY name"))

    def _connect(self) -> None:
        self._connection = connect(self.address, reads_only=True)
        # Who forgets to close it is not warned of that.
        weakref.finalize(self, self._connection.close)

    def _ours(self) -> str:
        return "TRUE" if self._source is None else f"s.source_id = '{self._source}'"

    def _from(self) -> str:
        return f"FROM sessions s JOIN sources src USING (source_id) WHERE {self._ours()}"

    def _ask(self, sql: str, *values: Any) -> builtins.list[Any]:
        """Ask, once more on a new connection if the old one is gone.

        Raises:
            DatabaseLost, DatabaseUnusable: there is no answer.
        """
        for again in (True, False):
            try:
                with self._lock:
                    return until_done(partial(self._ask_once, sql, *values))
            except psycopg.Error as error:
                failed = error
            if not (again and is_lost(failed)):
                break
            with self._lock:
                if self._connection.closed:
                    self._connect()
        raise as_ours(self.address, failed) from None

    def _ask_once(self, sql: str, *values: Any) -> builtins.list[Any]:
        return self._connection.execute(sql.encode(), values).fetchall()

    def _rows(self, wanted: Wanted, limit: int | None, offset: int = 0) -> builtins.list[SessionRow]:
        sql, values = condition(wanted)
        asked = f"SELECT {self._named}, s.line {self._from()} AND {sql} ORDER BY {order(wanted)} LIMIT %s OFFSET %s"
        return [
            evolve(row_from(line), session_id=name) for name, line in self._ask(asked, *values, limit, offset)
        ]

    def _with_steps(self, **wanted: str | None) -> Iterator[Session]:
        for name in self._ids_with_steps(wanted):
            with contextlib.suppress(CorruptDocument, NewerDocument, UnknownSession, GoneToWarm):
                yield self.get(name)

    def _ids_with_steps(self, wanted: Mapping[str, str | None]) -> builtins.list[str]:
        given = {_COLUMNS.get(name, name): fit(value) for name, value in wanted.items() if value is not None}
        parts = " AND ".join(f"e.{name} = %s" for name in given) or "TRUE"
        # What could not be sent step by step is read.
        sql = (
            f"SELECT {self._named} {self._from()} AND (s.source_id, s.session_id) IN (SELECT e.source_id, e.session_id"
            f" FROM agent_run_events e WHERE {parts} UNION SELECT source_id, session_id FROM sessions"
            " WHERE rows_partial @> ARRAY['rows']) ORDER BY s.session_id, src.name"
        )
        return [name for (name,) in self._ask(sql, *given.values())]

    def _made(self, response_id: str) -> builtins.list[str]:
        return self._linked(response_id, "made")

    def _linked(self, response_id: str, relation: str) -> builtins.list[str]:
        sql = (
            f"SELECT {self._named} {self._from()} AND (s.source_id, s.session_id) IN (SELECT source_id, session_id"
            f" FROM links WHERE response_id = %s AND relation = %s) ORDER BY {EARLIEST}"
        )
        return [name for (name,) in self._ask(sql, fit(response_id), relation)]
