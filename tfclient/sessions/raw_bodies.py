"""Bodies as they are, for who asked for them twice: taken where they pass, written by a thread, in bounded memory.

Nobody waits for the disk here. What there is no room for is left out, and the file's JSON and ``health`` say so; of a
body that comes in pieces what follows is left out too, so that what is there is its beginning. Headers and URLs are
those of the journal, from which credentials are gone, whatever is kept of bodies.
"""

from __future__ import annotations

from collections import deque
from sys import is_finalizing
from threading import Event
from time import monotonic
from traceback import walk_stack
from typing import TYPE_CHECKING, Any, Final

from orjson import dumps

from tfclient.redaction import Redactor
from tfclient.sessions.program_failure import failure_of
from tfclient.signals import let_pass
from tfstore.disk import fork
from tfstore.disk.fork import start_thread
from tfstore.disk.news import News
from tfstore.disk.paths import StorePaths
from tfstore.disk.raw_folder import mark_incomplete, put

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Thread

    from tfclient.health import Health

HELD: Final = 64 * 1024 * 1024
"""Bytes that wait to be written, at most."""

_IDLE: Final = 1.0
"""Seconds without anything to write after which the thread ends."""


class RawBodies:
    """What is kept raw of the sessions of one recorder.

    Args:
        directory: the store's folder.
        health: where faults are counted.
    """

    def __init__(self, directory: Path, health: Health) -> None:
        self._paths = StorePaths(directory)
        self._health = health
        self._lock = fork.lock()
        # Whatever the policy of the recorder is: the words of an exception may hold a header.
        self._redactor = Redactor.from_setting("secrets")
        self._forked()
        fork.renew_after_fork(self)

    def _forked(self) -> None:
        # What waits is the parent's, and written by it.
        self._waiting: deque[tuple[str, str, bytes | None]] = deque()
        self._held = 0
        self._left_out: set[tuple[str, str]] = set()
        self._thread: Thread | None = None
        self._news = News()
        self._writing = False

    def request(self, session_id: str, exchange_id: str, about: dict[str, Any], body: bytes | None) -> None:
        """Keep a request; without a body where only the server could read it."""
        told = about if body is not None else {**about, "incomplete": True}
        self._whole(session_id, f"{exchange_id}.request", told, body)

    def response(self, session_id: str, exchange_id: str, about: dict[str, Any], body: bytes | None) -> None:
        """Keep a response, its content encoding undone; None where its body is still to come, piece by piece."""
        self._whole(session_id, f"{exchange_id}.response", about, body)

    def error(self, session_id: str, name: str, error: BaseException) -> None:
        """Keep the stack of a call, or an attempt, that failed: where it was, and its words without secrets."""
        with self._guard(session_id, name):
            failure = failure_of(error, stacks=True)
            if failure is not None:
                failure["stack"] = [*_callers(error), *failure.get("stack", ())]
                self._put(session_id, f"{name}.error.json", dumps(self._redactor.value(failure)[0]))

    def piece(self, session_id: str, exchange_id: str, data: bytes) -> None:
        """Keep what comes next of a response's body."""
        with self._guard(session_id, exchange_id):
            self._piece(session_id, f"{exchange_id}.response", data)

    def _whole(self, session_id: str, name: str, about: dict[str, Any], body: bytes | None) -> None:
        with self._guard(session_id, name):
            self._put(session_id, f"{name}.json", dumps(about))
            if body:
                self._piece(session_id, name, body)

    def _guard(self, session_id: str, name: str) -> AbstractContextManager[None]:
        return self._health.guard("raw", f"keeping {name} of session {session_id} raw")

    def _piece(self, session_id: str, name: str, data: bytes) -> None:
        if (session_id, name) in self._left_out:
            return
        with self._lock:
            full = self._held + len(data) > HELD
            if not full:
                self._held += len(data)
        if not full:
            self._put(session_id, name, data)
            return
        self._leave_out(session_id, name, f"more than {HELD:,} bytes wait to be written")

    def wait(self, timeout: float) -> None:
        """Wait until all is written, so many seconds at most."""
        until = monotonic() + timeout
        pause = Event()
        if self._waiting and (self._thread is None or not self._thread.is_alive()):
            # None could be had.
            self._write_all()
        while (self._waiting or self._writing) and (left := until - monotonic()) > 0 and not is_finalizing():
            pause.wait(min(left, 0.005))

    def _put(self, session_id: str, name: str, data: bytes | None) -> None:
        self._waiting.append((session_id, name, data))
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = start_thread(self._run, "tfclient-raw")
        self._news.tell()

    def _leave_out(self, session_id: str, name: str, why: Exception | str) -> None:
        self._left_out.add((session_id, name))
        self._health.fault("raw", why, f"writing {name} of session {session_id}, which is not whole now")
        # Whatever is written of it stands before that.
        self._put(session_id, name, None)

    def _run(self) -> None:
        while True:
            if not self._news.wait(_IDLE):
                with self._lock:
                    if not self._waiting:
                        self._thread = None
                        return
            self._write_all()

    def _write_all(self) -> None:
        self._writing = True
        try:
            while self._waiting:
                self._write_next()
        finally:
            self._writing = False

    def _write_next(self) -> None:
        session_id, name, data = self._waiting.popleft()
        pieces = [] if data is None else [data]
        # Of a stream there may be hundreds by now.
        while data is not None and self._waiting and self._waiting[0][:2] == (session_id, name):
            following = self._waiting[0][2]
            if following is None:
                break
            pieces.append(following)
            self._waiting.popleft()
        try:
            if data is None:
                mark_incomplete(self._paths, session_id, name)
            else:
                put(self._paths, session_id, name, pieces, anew=name.endswith(".json"))
        except Exception as error:  # noqa: BLE001 - the program goes on, and so does what is recorded of it
            let_pass(error)
            if data is not None and not name.endswith(".json"):
                self._leave_out(session_id, name, error)
            else:
                self._health.fault("raw", error, f"writing {name} of session {session_id}")
        finally:
            if not name.endswith(".json"):
                with self._lock:
                    self._held -= sum(map(len, pieces))


def _callers(error: BaseException) -> list[str]:
    """Return where the code was called that the exception went through, innermost last."""
    went = error.__traceback__
    above = [] if went is None or went.tb_frame.f_back is None else list(walk_stack(went.tb_frame.f_back))
    return [f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}" for frame, line in reversed(above)]
