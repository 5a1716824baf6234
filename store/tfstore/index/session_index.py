"""What is where in a store's documents, without reading them: sessions, steps, calls, responses, texts.

All of it is a cache in ``index.db``; the documents are the truth, and before an answer it catches up with them. Where
the database cannot be used, one is made in memory of all the documents, and gives the same answer.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tfstore.disk.files import Stamp
from tfstore.disk.session_folder import SessionFolder
from tfstore.document.documents import Session
from tfstore.index.catching_up import CatchingUp, erase, number_of
from tfstore.index.counters import Counters, identity_of, of_calls, of_errors, of_redactions, of_row, short
from tfstore.index.database import Broken, Database, Unusable, make_tables
from tfstore.index.rows import NOTHING_TOLD, Calls, Redacted, calls_from, plain, row_from
from tfstore.index.texts import purge_texts, question_for, untold
from tfstore.index.wanted import Page, Wanted

if TYPE_CHECKING:
    from tfstore.index.catching_up import Said, Tell
    from tfstore.index.rows import SessionRow

T = TypeVar("T")


class SessionIndex:
    """The index of one store.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.disk.session_folder import SessionFolder
        >>> from tfstore.document.documents import Session
        >>> folder = SessionFolder(StorePaths(tempfile.mkdtemp()))
        >>> _ = folder.save(Session("sess_1", title="Hello"))
        >>> [row.title for row in SessionIndex(folder).rows()]
        ['Hello']
    """

    def __init__(self, folder: SessionFolder, tell: Tell = lambda _: NOTHING_TOLD) -> None:
        """Nothing is opened or made yet; ``tell`` reads out of a session what its row has of that."""
        self._database = Database(folder.paths)
        self._catching_up = CatchingUp(folder, tell)

    def put(self, session: Session, stamp: Stamp) -> None:
        """Take up a session whose document was just written; what goes wrong is made good before the next answer."""
        self._catching_up.put(self._database.opened, session, stamp)

    def remove(self, session_ids: Iterable[str]) -> None:
        """Leave nothing of these sessions, in the file either.

        Raises:
            OSError: the file cannot be written, nor removed.
        """
        gone = list(session_ids)
        if not gone:
            return
        self._database.remove_catalog()
        if self._database.exists():
            try:
                with self._database.opened() as db:
                    erase(db, gone)
                    purge_texts(db)
            except Unusable:
                self._database.discard()

    def discard(self) -> None:
        """Remove all of it: the next answer makes it anew.

        Raises:
            OSError: it cannot be removed.
        """
        self._database.discard()

    def has(self, session_id: str) -> bool:
        """Return whether the file, as it is, names a session."""
        with contextlib.suppress(Unusable), self._database.opened() as db:
            return number_of(db, session_id) is not None
        return self._database.exists()

    def rows(self, wanted: Wanted | None = None, limit: int | None = None) -> list[SessionRow]:
        """Return the rows of sessions, the latest first."""
        wanted = wanted or Wanted()
        condition, values = wanted.condition()
        values += [-1 if limit is None else limit, 0]
        sql = _rows(condition, wanted.order())
        return self._answer(lambda db: [row_from(line) for (line,) in db.execute(sql, values)])

    def taken(self, wanted: Wanted, take: Callable[[SessionRow], T | None]) -> list[T]:
        """Return what ``take`` makes of each row, the latest first, without Nones; no row is held."""
        condition, values = wanted.condition()
        sql = _rows(condition, wanted.order())

        def question(db: sqlite3.Connection) -> list[T]:
            found = (take(row_from(line)) for (line,) in db.execute(sql, [*values, -1, 0]))
            return [each for each in found if each is not None]

        return self._answer(question)

    def page(self, wanted: Wanted, limit: int, offset: int) -> Page:
        """Return some of the rows, the latest first, and how many there are."""
        condition, values = wanted.condition()

        def question(db: sqlite3.Connection) -> Page:
            sql = _rows(condition, wanted.order())
            rows = [row_from(line) for (line,) in db.execute(sql, [*values, limit, offset])]
            (total,) = db.execute(f"SELECT count(*) FROM sessions WHERE {condition}", values).fetchone()  # noqa: S608
            everything = "SELECT count(*), sum(modified % 1000000007) FROM sessions WHERE listed"
            count, version = db.execute(everything).fetchone()
            return Page(rows, total, count, version or 0)

        return self._answer(question)

    def names(self, kind: str, most: int) -> list[tuple[str, int]]:
        """Return names of kind ``tool`` or ``model`` and in how many sessions each is, the most frequent first."""
        sql = (
            "SELECT name, count(*) FROM names JOIN sessions ON n = session WHERE kind = ? AND listed"
            " GROUP BY name ORDER BY count(*) DESC, max(began) DESC, name LIMIT ?"
        )
        return self._answer(lambda db: db.execute(sql, (kind, most)).fetchall())

    def with_steps(self, **wanted: str | None) -> list[str]:
        """Return the ids of sessions with a step of this ``label``, ``tool``, ``model``, ``status`` and ``error``."""
        given = {name: plain(value) for name, value in wanted.items() if value is not None}
        parts = " AND ".join([f"{name} = ?" for name in given]) or "TRUE"
        sql = (
            "SELECT session_id FROM sessions WHERE n IN "  # noqa: S608
            f"(SELECT session FROM steps WHERE {parts} AND label <> '') ORDER BY session_id"
        )
        return self._ids(sql, *given.values())

    def calls(self, label: str, since: str | None = None) -> list[Calls]:
        """Return what the calls of each model (``assistant_call``) or tool (``tool_call``) come to."""
        joined = "JOIN sessions ON n = session AND listed AND began >= ?" if since else ""
        sql = (
            "SELECT name, count(*), sum(failed), sum(calls), sum(errors), sum(input), sum(output), "  # noqa: S608
            f"group_concat(durations) FROM calls {joined} WHERE label = ? GROUP BY name"
        )
        found = self._answer(lambda db: db.execute(sql, (*([since] if since else []), label)).fetchall())
        return [calls_from(*counts) for counts in found]

    def counted(
        self, without: Callable[[Mapping[bytes, str]], set[str]] | None = None
    ) -> tuple[set[str], Counters]:
        """Return what all sessions come to, and their identities (see ``tfstore.index.counters``), at one moment.

        Args:
            without: gets their ids by what is ``short`` of their identities; those that it gives do not count.
        """

        def question(db: sqlite3.Connection) -> tuple[set[str], Counters]:
            there, found = _counted(db)
            for session_id in () if without is None else without(_by_short(db)):
                found.subtract(_counted(db, session_id)[1])
            return there, found

        return self._answer(question)

    def identities(self) -> set[str]:
        """Return the identities of all sessions that are listed (see ``tfstore.index.counters``)."""
        return self._answer(lambda db: {identity for identity, _ in _identities(db)})

    def counted_each(self, session_ids: Iterable[str]) -> dict[str, Counters]:
        """Return what each of these sessions comes to, by its identity; those that are not listed are left out."""
        ids = list(session_ids)

        def question(db: sqlite3.Connection) -> dict[str, Counters]:
            every = (_counted(db, each) for each in ids)
            return {identity: found for identities, found in every for identity in identities}

        return self._answer(question)

    def redactions(self, session_id: str | None = None) -> list[Redacted]:
        """Return what redaction changed, by rule, path and action, in one session or in all that are listed."""
        which = "listed" if session_id is None else "session_id = ?"
        sql = (
            "SELECT rule, path, action, count(*), sum(count), sum(bytes) FROM redactions JOIN sessions ON n = session"  # noqa: S608
            f" WHERE {which} GROUP BY rule, path, action ORDER BY rule, path, action"
        )
        values = () if session_id is None else (plain(session_id),)
        return [Redacted(*each) for each in self._answer(lambda db: db.execute(sql, values).fetchall())]

    def thread(self, begin: str) -> list[str]:
        """Return the ids of the sessions of one thread, the earliest first: it holds a session, or a conversation.

        Sessions are of one thread where one goes on from a response of the other, or both are in one of the
        provider's conversations.
        """
        carried = (
            "SELECT steps.session FROM continued JOIN steps USING (response)"
            " WHERE continued.session = :n AND label = 'assistant_call' UNION"
            " SELECT continued.session FROM steps JOIN continued USING (response)"
            " WHERE steps.session = :n AND label = 'assistant_call'"
        )
        inside = "SELECT session FROM names WHERE kind = 'conversation' AND name = ?"

        def question(db: sqlite3.Connection) -> list[str]:
            text = plain(begin)
            left = [n for (n,) in db.execute("SELECT n FROM sessions WHERE session_id = ?", (text,))]
            left += [n for (n,) in db.execute(inside, (text,))]
            found, seen = set(left), {text}
            while left:
                n = left.pop()
                near = {each for (each,) in db.execute(carried, {"n": n})}
                named = "SELECT name FROM names WHERE session = ? AND kind = 'conversation'"
                for (name,) in db.execute(named, (n,)).fetchall():
                    if name not in seen:
                        seen.add(name)
                        near.update(each for (each,) in db.execute(inside, (name,)))
                left += near - found
                found |= near
            sql = "SELECT session_id, began FROM sessions WHERE n = ?"
            rows = [db.execute(sql, (n,)).fetchone() for n in found]
            return [name for name, _ in sorted(rows, key=lambda row: (row[1], row[0]))]

        return self._answer(question)

    def made(self, response_id: str) -> list[str]:
        """Return the ids of the sessions with a model call that made this response, the earliest first."""
        return self._ids(
            "SELECT session_id FROM sessions WHERE n IN "
            "(SELECT session FROM steps WHERE response = ? AND label = 'assistant_call') ORDER BY began, session_id",
            plain(response_id),
        )

    def continued(self, response_id: str) -> list[str]:
        """Return the ids of the sessions that go on from this response of another one, the earliest first."""
        return self._ids(
            "SELECT session_id FROM sessions WHERE n IN "
            "(SELECT session FROM continued WHERE response = ?) ORDER BY began, session_id",
            plain(response_id),
        )

    def may_say(
        self, pieces: Sequence[str], said: Said, version: int, label: str | None = None
    ) -> set[str] | None:
        """Return the ids of sessions of which a text may hold all the pieces; None: any may.

        Args:
            pieces: what a text must hold, in the form that ``said`` gives.
            said: what a session says of itself, and then each of its steps.
            version: of ``said``: texts of another are told again.
            label: only in such steps.
        """
        asked = question_for(pieces, label)
        if asked is None:
            return None
        sql, values = asked

        def question(db: sqlite3.Connection) -> tuple[list[tuple[str, Stamp]], set[str]]:
            left = untold(db, version)
            return left, set() if left else {each for (each,) in db.execute(sql, values)}

        try:
            left, found = self._catching_up.ask(self._database.opened, question)
            if left:
                self._catching_up.tell(self._database.opened, left, said)
                with self._database.opened() as db:
                    found = {each for (each,) in db.execute(sql, values)}
        except Unusable:
            return None
        return found

    def _ids(self, sql: str, *values: Any) -> list[str]:
        return self._answer(lambda db: [each for (each,) in db.execute(sql, values)])

    def _answer(self, question: Callable[[sqlite3.Connection], T]) -> T:
        for _ in range(2):
            try:
                return self._catching_up.ask(self._database.opened, question)
            except Broken:
                continue
            except Unusable:
                break
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
            make_tables(db)
            return self._catching_up.ask(lambda: contextlib.nullcontext(db), question)


def _counted(db: sqlite3.Connection, session_id: str | None = None) -> tuple[set[str], Counters]:
    """Return what all sessions come to, or one of them, and their identities."""
    there, found = set[str](), Counters()
    of, values = ("", ()) if session_id is None else (" AND session_id = ?", (plain(session_id),))
    for (line,) in db.execute(f"SELECT line FROM sessions WHERE listed{of}", values):  # noqa: S608 - our own words
        row = row_from(line)
        there.add(identity_of(row.session_id, row.started_at))
        found.update(of_row(row))
    for label in ("assistant_call", "tool_call"):
        sql = (
            "SELECT name, count(*), sum(failed), sum(calls), sum(errors), sum(input), sum(output), "  # noqa: S608
            f"group_concat(durations) FROM calls JOIN sessions ON n = session AND listed{of} WHERE label = ?"
            " GROUP BY name"
        )
        found.update(of_calls(label, (calls_from(*each) for each in db.execute(sql, (*values, label)))))
    errors = (
        "SELECT error, count(*) FROM steps JOIN sessions ON sessions.n = session WHERE listed"  # noqa: S608
        f" AND error IS NOT NULL{of} GROUP BY error"
    )
    found.update(of_errors(dict(db.execute(errors, values).fetchall())))
    redacted = (
        "SELECT rule, sum(count) FROM redactions JOIN sessions ON n = session"  # noqa: S608 - our own words
        f" WHERE listed{of} GROUP BY rule"
    )
    found.update(of_redactions(dict(db.execute(redacted, values).fetchall())))
    return there, found


def _identities(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for (line,) in db.execute("SELECT line FROM sessions WHERE listed"):
        row = row_from(line)
        yield identity_of(row.session_id, row.started_at), row.session_id


def _by_short(db: sqlite3.Connection) -> dict[bytes, str]:
    return {key: name for identity, name in _identities(db) if (key := short(identity)) is not None}


def _rows(condition: str, order: str) -> str:
    return f"SELECT line FROM sessions WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
