"""The documents of a database: where a session is that is called so, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from tfstore.disk.session_folder import document_in, session_in
from tfstore.errors import AmbiguousSession, CorruptDocument, GoneToWarm, UnknownSession
from tfstore.postgres.fitting import fit
from tfstore.postgres.outgoing import unpacked
from tfstore.postgres.questions import split
from tfstore.reading.figures import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tfstore.document.documents import Json, Session
    from tfstore.postgres.kept_apart import Ask


@frozen
class Place:
    """Where a session is, how it is called, and which document it has."""

    named: str
    source_id: str
    session_id: str
    month: date
    sha256: str


class DatabaseDocuments:
    """The documents that were sent and were not pruned; the last one read is held."""

    def __init__(
        self, ask: Ask, where: str, *, named: str, among: str, near: Callable[[str], list[str]]
    ) -> None:
        """``named`` is how a session is called, ``among`` those it is one of, in SQL; ``near`` are others' names."""
        self._ask = ask
        self._where = where
        self._named = named
        self._among = among
        self._near = near
        self._kept: tuple[str, bytes] | None = None

    def place(self, named: str) -> Place:
        """Return where the session of this name is.

        Raises:
            UnknownSession, AmbiguousSession: there is none, or more than one.
        """
        session_id, name = split(named)
        sql = (
            f"SELECT {self._named}, s.source_id::text, s.session_id, s.month, s.document_sha256, src.name"
            f" {self._among} AND s.session_id = %s AND coalesce(src.name = %s, TRUE) ORDER BY src.name"
        )
        rows = self._ask(sql, fit(session_id), name)
        if not rows:
            raise UnknownSession(named, self._near(named))
        if len(rows) > 1:
            raise AmbiguousSession(named, [f"{row[2]}@{row[5]}" for row in rows])
        return Place(*rows[0][:5])

    def text(self, place: Place) -> bytes:
        """Return the document of a session as it stands in its file.

        Raises:
            GoneToWarm: it was pruned from the database.
            CorruptDocument: what was sent cannot be unpacked.
        """
        kept = self._kept
        if kept is not None and kept[0] == place.sha256:
            return kept[1]
        rows = self._ask(
            "SELECT document FROM documents WHERE month = %s AND source_id = %s AND session_id = %s",
            *(place.month, place.source_id, place.session_id),
        )
        if not rows:
            raise GoneToWarm(place.named, self._left(place))
        try:
            document = unpacked(bytes(rows[0][0]))
        except ValueError as error:
            raise CorruptDocument(place.named, self._where, str(error)) from error
        self._kept = (place.sha256, document)
        return document

    def load(self, place: Place) -> Json:
        """Return the document of a session.

        Raises:
            GoneToWarm, CorruptDocument: as from ``text``; it is no JSON object.
        """
        return document_in(place.named, self.text(place), self._where)

    def structured(self, place: Place, document: Json) -> Session:
        """Return the session that this document of a place holds.

        Raises:
            CorruptDocument, NewerDocument: it holds none, or a later version's.
        """
        session = session_in(place.named, document, self._where)
        if place.named != place.session_id:
            # Two have this id: what is read on, by its steps and its rows, must be this one.
            session.session_id = place.named
            for run in session.runs:
                for step in run.steps:
                    step.session_id = place.named
        return session

    def _left(self, place: Place) -> str:
        """Return what there still is of a session whose document was pruned."""
        counted_in = "SELECT count(*) FROM {} WHERE month = %s AND source_id = %s AND session_id = %s"
        key = (place.month, place.source_id, place.session_id)
        (steps,), (payloads,) = (
            self._ask(counted_in.format(table), *key)[0]
            for table in ("agent_run_events", "agent_run_payloads")
        )
        there = f"{counted(steps, 'step')} in agent_run_events"
        json = f"the JSON of {payloads:,} in agent_run_payloads" if payloads else "their JSON was pruned too"
        return f"left are its row, which is still listed, {there}, {json}"
