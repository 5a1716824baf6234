"""Sessions while they run: opening, the current one, idleness, the end, the end of the process.

A recorder has one implicit session, opened by its first call, and any number of sessions of the program's own
(``with client.session()``), which follow the context: tasks and ``copy_context`` threads belong to the session
that they were started in. A call after the end of a session opens another one.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections import deque
from contextvars import ContextVar, Token
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from tfclient.errors import SessionEnded, SessionStillOpen
from tfclient.forking import renew_after_fork
from tfclient.known import Known
from tfclient.writer import Entry, Writer, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Protocol, Self

    from tfclient.health import Health
    from tfclient.redaction import Redactor
    from tfclient.settings import Settings
    from tfclient.stats import Counters
    from tfstore.labels import EndReason
    from tfstore.paths import StorePaths
    from tfstore.segment import Members

    class Finisher(Protocol):
        """What writes documents and diagrams (``tfclient.finish``)."""

        def refresh(self, session_id: str) -> None: ...

        def finish(self, session_id: str, on_done: Callable[[Exception | None], None]) -> None: ...

        def drain(self, timeout: float) -> None: ...


EXIT_SECONDS: Final = 5.0
"""How long the end of the process waits for documents and diagrams."""

_FINISHED: Final = 64
"""Ended sessions that are remembered until somebody asks whether their documents tell everything."""

_Link = tuple["SessionHandle", Any]
_current: ContextVar[_Link | None] = ContextVar("tfclient_session", default=None)


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
        self._token: Token[_Link | None] | None = None
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
        _OPEN[id(self)] = self
        _SWEEP.wake()

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
        self.known = Known(redactor)
        self.runtime = runtime
        self.finished: deque[str] = deque(maxlen=_FINISHED)
        self._lock = threading.RLock()
        self._implicit: SessionHandle | None = None
        self._finisher: Finisher | None = None
        renew_after_fork(self)

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
        from tfstore.paths import check_session_id, new_session_id

        checked = new_session_id() if session_id is None else check_session_id(session_id)
        return SessionHandle(self, checked, title=title or "", metadata=metadata)

    def current(self) -> SessionHandle | None:
        """The session that a call made here and now belongs to, if one is open."""
        link = _current.get()
        while link is not None:
            handle, link = link
            if handle._sessions is self and not handle.ended:  # noqa: SLF001 - two classes of one module
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
        _OPEN.pop(id(handle), None)
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
            _SWEEP.wake()

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
                self._finisher = _DRAINED[self.settings.directory] = make_finisher(self.settings)
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
            from tfstore.journal import live_writers
            from tfstore.paths import StorePaths

            return live_writers(StorePaths(self.settings.directory), handle.id) == [own]
        except Exception as error:  # noqa: BLE001 - the program goes on
            self.health.fault("session", error, f"looking for other writers of session {handle.id}")
            return False

    def _forked(self) -> None:
        self._lock = threading.RLock()
        self._finisher = None


def make_finisher(settings: Settings) -> Finisher:
    """Return the one finisher of this store in this process."""
    from tfclient.finish import Finisher
    from tfstore.paths import StorePaths

    paths: StorePaths = StorePaths(settings.directory)
    finisher: Any = Finisher.for_store(paths, settings)
    return finisher  # type: ignore[no-any-return]


# Open sessions are held here: a client may be gone while its session waits for idleness, or for the end of the
# process. The handles do not hold their recorder, so that a recorder that is gone can be noticed.
_OPEN: dict[int, SessionHandle] = {}
_DRAINED: dict[Path, Finisher] = {}


def open_sessions() -> list[SessionHandle]:
    """Return the sessions of this process that have not ended."""
    return list(_OPEN.values())


def _at_exit() -> None:
    until = monotonic() + EXIT_SECONDS
    for handle in open_sessions():
        with contextlib.suppress(Exception):
            handle._sessions.end(handle, "process_exit")  # noqa: SLF001
    for finisher in list(_DRAINED.values()):
        with contextlib.suppress(Exception):
            finisher.drain(max(0.0, until - monotonic()))


class _Sweep:
    """Ends idle sessions, from a daemon thread that sleeps until the next one can be due."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._changed = False
        self._thread: threading.Thread | None = None
        self._exit = False
        renew_after_fork(self)

    def wake(self) -> None:
        """Look again: a session was opened, or has become due."""
        with self._change:
            if not self._exit:
                self._exit = True
                atexit.register(_at_exit)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="tfclient-idle", daemon=True)
                # Where no thread can be started, sessions end with their process.
                with contextlib.suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
            self._changed = True
            self._change.notify()

    def _run(self) -> None:
        while True:
            pause = self.sweep()
            with self._change:
                if not self._changed:
                    self._change.wait(pause)
                self._changed = False

    @staticmethod
    def sweep() -> float | None:
        """End what is idle; return the seconds until the next session can be, or None."""
        pause: float | None = None
        for handle in open_sessions():
            sessions = handle._sessions  # noqa: SLF001
            limit = sessions.settings.idle_minutes * 60 or float("inf")
            left = handle.last_activity + limit - monotonic()
            if handle.abandoned or left <= 0:
                sessions.end(handle, "closed" if handle.abandoned else "idle_timeout")
            elif left < float("inf"):
                pause = left if pause is None else min(pause, left)
        return None if pause is None else min(pause, threading.TIMEOUT_MAX)

    def _forked(self) -> None:
        self._change = threading.Condition()
        self._thread = None
        _DRAINED.clear()


_SWEEP = _Sweep()
