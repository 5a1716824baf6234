"""One session as the program that records it sees it: what is written to it, and when it is finished."""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from tfclient.errors import SessionStillOpen
from tfclient.sessions.idle_and_exit import hold
from tfclient.sessions.writer import Writer
from tfstore.journal.entries import Entry, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tfclient.sessions.sessions import Link, Sessions
    from tfstore.journal.entries import Members


class SessionHandle:
    """One session as the program that records it sees it.

    ``id`` names it, ``title`` and ``metadata`` are as given; ``error`` says, once the session is finished, why
    its files could not be written. Use it as a context manager (``with`` or ``async with``) to make it the
    current session of what runs inside.

    Example:
        >>> from tfclient import Recorder
        >>> import tempfile
        >>> recorder = Recorder(tempfile.mkdtemp())
        >>> with recorder.session(title="An example") as session:
        ...     session.annotate("note", {"weather": "fine"})
        >>> session.ended
        True
    """

    def __init__(
        self,
        sessions: Sessions,
        session_id: str,
        *,
        title: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Prefer ``client.session()``."""
        self.id = session_id
        self.title = title
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.ended = False
        self.abandoned = False
        self.error: Exception | None = None
        self.last_activity = monotonic()
        self.started = stamp()
        self._sessions = sessions
        self._pid = os.getpid()
        self._token: Token[Link | None] | None = None
        self._done = threading.Event()
        self._late = False
        self._kept = False
        self.writer = Writer(
            sessions.settings.directory,
            session_id,
            fsync=sessions.settings.fsync,
            opening=self._opening,
            health=sessions.health,
            counters=sessions.counters,
        )

    @property
    def path(self) -> Path:
        """Where the session's document is, or will be."""
        return self._sessions.settings.directory / "sessions" / f"{self.id}.json"

    @property
    def d2_path(self) -> Path:
        """Where the session's diagram is, or will be, once it has ended."""
        return self._sessions.settings.directory / "sessions" / f"{self.id}.d2"

    def annotate(
        self,
        kind: str,
        data: Any = None,
        *,
        call_id: str | None = None,
        response_id: str | None = None,
        step: str | None = None,
    ) -> None:
        """Add a ``generic`` step of the program's own to the session.

        Args:
            kind: what it is; the step's type becomes ``annotation.<kind>``.
            data: anything with a JSON form; other things are kept as their ``repr``. Redacted as all else.
            call_id: the tool call that it belongs to.
            response_id: the response that it belongs to.
            step: the step that it belongs to.
        """
        about = {"call_id": call_id, "response_id": response_id, "step": step}
        self._sessions.observe(
            self,
            "annotation",
            "data",
            data,
            kind=str(kind),
            **{key: value for key, value in about.items() if value},
        )

    def end(self) -> None:
        """End the session; its document and diagram are written in the background. Harmless when repeated."""
        self._sessions.end(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the ended session's document and diagram are written; say whether they are.

        Args:
            timeout: seconds to wait at most.

        Raises:
            SessionStillOpen: nobody has ended the session, and no timeout was given.
        """
        if timeout is None and not self.ended:
            raise SessionStillOpen(self.id)
        return self._done.wait(timeout) and self.error is None

    async def finished(self) -> bool:
        """Wait, as ``wait`` does, without holding up the event loop.

        Raises:
            SessionStillOpen: nobody has ended the session.
        """
        import anyio

        if not self.ended:
            raise SessionStillOpen(self.id)
        pause = 0.001
        while not self._done.is_set():
            await anyio.sleep(pause)
            pause = min(pause * 2, 0.05)
        return self.error is None

    def write(self, *entries: Entry | Members) -> bool:
        """Journal entries of this session; say whether they were taken."""
        if not self._kept and not self.ended:
            self.keep()
        written = self.writer.append(*entries)
        self.touch()
        return written

    def touch(self) -> None:
        """Note that something was journaled: the session is not idle, and its document is to follow."""
        self.last_activity = monotonic()
        if self.ended:
            self._late = True
        else:
            self._sessions.refresh(self.id)

    def keep(self) -> None:
        """Have the session ended when it is idle, or with the process."""
        self._kept = True
        hold(self)

    def settle(self) -> None:
        """Finish once more if something came in after the end."""
        if self._late:
            self._late = False
            self._sessions.conclude(self)

    def __enter__(self) -> Self:
        self._sessions.enter(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sessions.leave(self)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def __repr__(self) -> str:
        return f"<session {self.id}, {'ended' if self.ended else 'open'}>"

    def _opening(self) -> Entry:
        at, mono = self.started
        sessions = self._sessions
        title = sessions.clean(self.title, "session.title")
        return {
            "at": at,
            "mono": mono,
            "type": "session.started",
            "journal_version": 1,
            "title": title if isinstance(title, str) else "",
            "metadata": sessions.clean(self.metadata, "session.metadata"),
            "channel": "text",
            "runtime": sessions.runtime(),
            "redaction": {"mode": sessions.redactor.mode},
            **({"deltas": True} if sessions.settings.deltas else {}),
            **({"max_payload": cap} if (cap := sessions.settings.max_payload) is not None else {}),
        }
