"""What a store answers alike, whichever kind it is: a folder on this machine, or a team's database.

It is made of what each kind answers in its own way.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from tfstore.document.times import moment_text
from tfstore.errors import StoreError, UnknownSession
from tfstore.index.wanted import Wanted
from tfstore.reading import descent
from tfstore.reading.messages import events_of
from tfstore.reading.naming import alike

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from tfstore.document.documents import Session, Step
    from tfstore.index.rows import SessionRow
    from tfstore.reading.messages import Event, Mode


class EitherStore(ABC):
    """A store of either kind: its sessions by what they are, its steps, and what led to what."""

    def near(self, session_id: str) -> builtins.list[str]:
        """Return the ids of sessions that may have been meant, at most three."""
        return alike(session_id, self.ids())

    def last(self) -> str:
        """Return the id of the session that started last.

        Raises:
            UnknownSession: there is none at all.
        """
        rows = self.list(limit=1)
        if rows:
            return rows[0].session_id
        ids = self.ids()
        if not ids:
            raise UnknownSession("last")
        return ids[-1]

    def list(
        self,
        *,
        status: str | None = None,
        result: str | None = None,
        since: datetime | str | None = None,
        tool: str | None = None,
        model: str | None = None,
        error_class: str | None = None,
        metadata: Mapping[str, str] | None = None,
        ids: Iterable[str] | None = None,
        sort: str = "",
        limit: int | None = None,
    ) -> builtins.list[SessionRow]:
        """Return the rows of sessions, the latest first, active ones included.

        Args:
            status: ``active`` or ``closed``.
            result: ``completed``, ``failed`` or ``cancelled``.
            since: sessions that started at this moment or later (ISO-8601 text is UTC unless it says otherwise).
            tool: sessions in which this tool was called.
            model: sessions in which this model was called.
            error_class: sessions with such an error.
            metadata: sessions with all these keys and values; a value that is no text is meant by its JSON.
            ids: these sessions only.
            sort: ``tokens`` or ``time``: those that took the most come first.
            limit: at most so many.

        Raises:
            ValueError: ``since`` is no moment, or ``sort`` another word.
        """
        if sort not in {"", "tokens", "time"}:
            raise ValueError(
                f"sessions are not sorted by {sort!r}: by tokens or time, or else by when they began"
            )
        start = None if since is None else moment_text(since)
        wanted = Wanted(
            *(status, result, start, tool, model, error_class),
            metadata=tuple((metadata or {}).items()),
            ids=None if ids is None else tuple(ids),
            sort=sort,
        )
        return self._rows(wanted, limit)

    def steps(
        self,
        *,
        label: str | None = None,
        tool: str | None = None,
        status: str | None = None,
        error_class: str | None = None,
        model: str | None = None,
        session_id: str | None = None,
    ) -> Iterator[Step]:
        """Yield the steps, of one session or of all, that are as asked for; unreadable documents are skipped.

        Args:
            label: one of ``labels.Label``.
            tool: the tool's name.
            status: one of ``labels.Status``.
            error_class: one of ``labels.ErrorClass``.
            model: the model that served the call.
            session_id: look only in this session.

        Raises:
            UnknownSession, CorruptDocument, NewerDocument …: about ``session_id``, as from ``get``.
        """
        wanted = {"label": label, "tool_name": tool, "status": status, "model": model}
        given = {name: value for name, value in wanted.items() if value is not None}
        if session_id is not None:
            sessions = iter([self.get(session_id)])
        else:
            sessions = self._with_steps(label=label, tool=tool, status=status, model=model, error=error_class)
        for session in sessions:
            for run in session.runs:
                for step in run.steps:
                    if all(getattr(step, name) == value for name, value in given.items()) and (
                        error_class is None or (step.error is not None and step.error.class_ == error_class)
                    ):
                        yield step

    def events(
        self,
        session_id: str,
        mode: Mode = "display",
        types: Iterable[str] | None = None,
        after_seq: int | None = None,
    ) -> Iterator[Event]:
        """Yield the steps of a session that a mode shows: see ``tfstore.reading.messages.events_of``.

        Raises:
            UnknownSession, CorruptDocument, NewerDocument …: as from ``get``.
            ValueError: there is no such mode.
        """
        yield from events_of(self.get(session_id), mode, types, after_seq)

    def descendants(self, step: Step) -> builtins.list[Step]:
        """Return everything downstream of a step, in its session and in those that go on from it.

        Raises:
            UnknownSession, UnknownStep: the step is not in this store.
        """
        return descent.descendants(self, step)

    def origin(self, step: Step) -> Step:
        """Return the prompt at the root of all that led to a step, across forks and sessions.

        Raises:
            UnknownSession, UnknownStep: the step is not in this store.
        """
        return descent.origin(self, step)

    def find_response(self, response_id: str) -> tuple[str, Step] | None:
        """Return the session id and the model call that made a response, if it is in this store."""
        for session_id in self._made(response_id):
            with contextlib.suppress(StoreError):
                for run in self.get(session_id).runs:
                    for step in run.steps:
                        if step.label == "assistant_call" and step.response_id == response_id:
                            return session_id, step
        return None

    @abstractmethod
    def ids(self) -> builtins.list[str]:
        """Return the ids of all sessions."""

    @abstractmethod
    def get(self, session_id: str) -> Session:
        """Return a session."""

    @abstractmethod
    def continued_in(self, response_id: str) -> builtins.list[str]:
        """Return the ids of the sessions that go on from this response of another session."""

    @abstractmethod
    def _rows(self, wanted: Wanted, limit: int | None) -> builtins.list[SessionRow]:
        """Return the rows of the sessions that are wanted, in their order."""

    @abstractmethod
    def _with_steps(self, **wanted: str | None) -> Iterator[Session]:
        """Yield the readable sessions that may have a step of this label, tool, status, model and class of error."""

    @abstractmethod
    def _made(self, response_id: str) -> builtins.list[str]:
        """Return the ids of the sessions with a model call that made this response."""
