"""The sessions of one recorder: opening, the current one, the end.

A recorder has one implicit session, opened by its first call, and any number of sessions of the program's own
(``with client.session()``), which follow the context: tasks and ``copy_context`` threads belong to the session
that they were started in. A call after the end of a session opens another one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from tfclient.errors import SessionEnded
from tfclient.sessions.handle import SessionHandle
from tfclient.sessions.idle_and_exit import drain_at_exit, let_go, look_again, open_sessions
from tfstore.disk import fork
from tfstore.journal.entries import Entry, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfclient.health import Health
    from tfclient.redaction import Redactor
    from tfclient.sessions.idle_and_exit import Finisher
    from tfclient.settings import Settings
    from tfclient.stats import Counters
    from tfstore.disk.paths import StorePaths
    from tfstore.document.labels import EndReason

_FINISHED: Final = 64
"""Ended sessions that are remembered until somebody asks whether their documents tell everything."""

Link = tuple[SessionHandle, Any]
"""The current session of a context, and what was its link before."""

_current: ContextVar[Link | None] = ContextVar("tfclient_session", default=None)


class Sessions:
    """The sessions of one recorder."""

    def __init__(
        self,
        settings: Settings,
        *,
        health: Health,
        counters: Counters,
        redactor: Redactor,
        runtime: Callable[[], dict[str, Any]],
    ) -> None:
        self.settings = settings
        self.health = health
        self.counters = counters
        self.redactor = redactor
        # Only once there is a redactor: it takes longer to import than all the rest.
        from tfclient.redaction.header_plans import Known

        self.known = Known(redactor)
        self.runtime = runtime
        self.finished: deque[str] = deque(maxlen=_FINISHED)
        self._lock = fork.lock()
        self._implicit: SessionHandle | None = None
        self._finisher: Finisher | None = None

    def new(
        self,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        session_id: str | None = None,
    ) -> SessionHandle:
        """Make a session, to be opened by what is written to it.

        Raises:
            InvalidSessionId: the id cannot be a file name.
        """
        from tfstore.disk.paths import check_session_id, new_session_id

        checked = new_session_id() if session_id is None else check_session_id(session_id)
        return SessionHandle(self, checked, title=title or "", metadata=metadata)

    def current(self) -> SessionHandle | None:
        """The session that a call made here and now belongs to, if one is open."""
        link = _current.get()
        while link is not None:
            handle, link = link
            if handle._sessions is self and not handle.ended:  # noqa: SLF001 - two halves of one
                return handle
        implicit = self._implicit
        return implicit if implicit is not None and not implicit.ended else None

    def for_call(self) -> SessionHandle:
        """The current session; opened if there is none."""
        handle = self.current()
        if handle is None:
            with self._lock:
                handle = self._implicit
                if handle is None or handle.ended:
                    handle = self._implicit = self.new()
        return handle

    def open(self) -> list[SessionHandle]:
        """Return this recorder's sessions that have not ended."""
        return [handle for handle in open_sessions() if handle._sessions is self]  # noqa: SLF001

    def enter(self, handle: SessionHandle) -> None:
        """Make a session the current one of this context.

        Raises:
            SessionEnded: it has ended.
        """
        if handle.ended:
            raise SessionEnded(handle.id)
        handle._token = _current.set((handle, _current.get()))  # noqa: SLF001
        if self.settings.enabled:
            handle.keep()
            # Opened here and not at its first call: a session without calls has a document too.
            handle.writer.append()

    def leave(self, handle: SessionHandle) -> None:
        """End a session and give the context back the one before."""
        token, handle._token = handle._token, None  # noqa: SLF001
        if token is not None:
            # A generator or an async fixture may leave in another context than it entered in.
            with contextlib.suppress(ValueError, RuntimeError):
                _current.reset(token)
        self.end(handle)

    def end(self, handle: SessionHandle, reason: EndReason = "closed") -> None:
        """End a session: its last entry, then document and diagram in the background."""
        with self._lock:
            if handle.ended:
                return
            handle.ended = True
            if self._implicit is handle:
                self._implicit = None
        let_go(handle)
        try:
            self._end(handle, reason)
        except Exception as error:  # noqa: BLE001 - the program goes on
            self.health.fault("session", error, f"ending session {handle.id}")
            handle.error = error
            handle._done.set()  # noqa: SLF001

    def _end(self, handle: SessionHandle, reason: EndReason) -> None:
        if not handle._kept or not self._is_ours_to_end(handle):  # noqa: SLF001
            handle.writer.close()
            handle._done.set()  # noqa: SLF001
            return
        at, mono = stamp()
        handle.writer.append({"at": at, "mono": mono, "type": "session.ended", "end_reason": reason})
        if handle.writer.backlog and reason != "process_exit":
            threading.Thread(target=self.conclude, args=(handle,), name="tfclient-end", daemon=True).start()
        else:
            self.conclude(handle)

    def abandon(self) -> None:
        """Have the implicit session ended: the last client that recorded into it is gone.

        Called by the garbage collector, inside whatever it interrupts, so the end itself is left to a thread.
        """
        implicit = self._implicit
        if implicit is not None and not implicit.ended:
            implicit.abandoned = True
            look_again()

    def conclude(self, handle: SessionHandle) -> None:
        """Let go of an ended session's journal and have its files written."""

        def done(error: Exception | None) -> None:
            handle.error = error
            if error is not None:
                self.health.fault("finish", error, f"writing the files of session {handle.id}")
            elif handle.id not in self.finished:
                self.finished.append(handle.id)
            handle._done.set()  # noqa: SLF001

        handle.writer.close()
        try:
            self._finish().finish(handle.id, done)
        except Exception as error:  # noqa: BLE001 - the program goes on
            done(error)

    def refresh(self, session_id: str) -> None:
        """Have the document of an active session brought up to date, soon."""
        try:
            (self._finisher or self._finish()).refresh(session_id)
        except Exception as error:  # noqa: BLE001 - the program goes on
            self.health.fault("finish", error, f"refreshing the document of session {session_id}")

    def observe(self, handle: SessionHandle, entry_type: str, field: str, value: Any, **more: Any) -> None:
        """Journal something that the program itself says, its value redacted."""
        if not self.settings.enabled:
            return
        try:
            at, mono = stamp()
            entry: Entry = {"at": at, "mono": mono, "type": entry_type, **more}
            entry[field], marks = self.redactor.value(value)
            if marks:
                entry["redactions"] = marks
            handle.write(entry)
            handle.settle()
        except Exception as error:  # noqa: BLE001 - the program goes on
            self.health.fault("session", error, f"recording {entry_type} in session {handle.id}")

    def clean(self, value: Any, what: str) -> Any:
        """Return a value of the program's own as it may be journaled."""
        try:
            return self.redactor.value(value)[0]
        except Exception as error:  # noqa: BLE001 - the program goes on
            self.health.fault("redaction", error, f"redacting {what}")
            return None

    def _finish(self) -> Finisher:
        with self._lock:
            if self._finisher is None:
                self._finisher = make_finisher(self.settings)
                drain_at_exit(self.settings.directory, self._finisher)
            return self._finisher

    def _is_ours_to_end(self, handle: SessionHandle) -> bool:
        """Whether this process says how a session ended: the one that opened it, else the last that writes to it.

        A forked child that has recorded nothing has nothing to say.
        """
        if handle._pid == os.getpid():  # noqa: SLF001
            return True
        own = handle.writer.name
        if own is None:
            return False
        try:
            from tfstore.disk.paths import StorePaths
            from tfstore.journal.reading import live_writers

            return live_writers(StorePaths(self.settings.directory), handle.id) == [own]
        except Exception as error:  # noqa: BLE001 - the program goes on
            self.health.fault("session", error, f"looking for other writers of session {handle.id}")
            return False


def make_finisher(settings: Settings) -> Finisher:
    """Return the one finisher of this store in this process."""
    from tfclient.finishing.finisher import Finisher
    from tfstore.disk.paths import StorePaths

    paths: StorePaths = StorePaths(settings.directory)
    finisher: Any = Finisher.for_store(paths, settings)
    return finisher  # type: ignore[no-any-return]
