"""The background thread that writes documents and diagrams, one for sync and async programs.

A live session's document is refreshed at most every second. When a session ends, its files, document and diagram,
are written before anything else. Handing work over takes no time and waits for nothing; the thread takes one part
in twenty of the time, in turns of a few milliseconds, unless somebody waits for what it does. Sessions that end
faster than it can write their files so are left to a helper process. Whatever goes wrong here goes to whoever
asked, never to the program's own calls.

It has no event loop: where the garbage collector finds a client of the program, it would be closed on that one.
A program that forbids sockets, or closes all descriptors, takes nothing from it. Should it end nevertheless, whoever
comes next starts another one, which goes on with what was to be done.

Memory is bounded: sessions beyond ``live.HEAVY`` are left to a helper process, and of many open sessions those
not refreshed for longest are dropped, and read again when they go on.

Nothing heavy is imported here: what the thread needs, it imports itself, so that a program's first call does not
wait for it.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import threading
from collections import deque
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfclient.finishing.slices import BREATH, SHARE, Turns
from tfstore.disk.fork import importing, lock, renew_after_fork, start_thread
from tfstore.disk.turns import take_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tfclient.event import Event
    from tfclient.finishing.exporting import LiveExport
    from tfclient.finishing.helper import OnDone
    from tfclient.finishing.live import LiveSession
    from tfclient.finishing.telling import Listener
    from tfclient.health import Health
    from tfclient.settings import Settings
    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Session

_log = logging.getLogger("tfclient")

REFRESH_SECONDS = 1.0
TOLD_SECONDS = 0.4
"""The same where a program wants to be told what happens."""

OVERDUE: Final = 10.0
"""Seconds after which the files of sessions that have ended are left to a helper process."""

_LOOK: Final = 0.05
"""Seconds between two looks whether somebody waits, where nobody says so."""

_HELPED: Final = 200
"""Sessions that one helper writes the files of."""

NEEDED: Final = (
    *("attrs", "tfstore.errors", "tfstore.document.documents", "tfstore.document.references"),
    *("tfstore.reading.content_parts", "tfclient.projection.wire.bodies", "tfclient.finishing.drift"),
    *("tfclient.projection.api.items", "tfclient.projection.api.chat", "tfclient.projection.api.responses"),
    *("tfclient.projection.lineage.book", "tfclient.projection.wire.growing", "tfclient.projection.wire.sse"),
    *(
        "tfclient.projection.wire.attempt",
        "tfclient.projection.steps.call_state",
        "tfclient.projection.calls",
    ),
    *("tfclient.projection.lineage.lineage_index", "tfclient.projection.lineage.run_choice"),
    *("tfclient.projection.steps.echoes", "tfclient.projection.steps.other_calls"),
    *("tfclient.projection.steps.provenance", "tfclient.projection.steps.request_steps"),
    *("tfclient.projection.steps.response_steps", "tfclient.projection.steps.tool_hooks"),
    *("tfclient.projection.steps.tool_steps", "tfclient.projection.weight.lightener"),
    *("tfclient.projection.steps.steering", "tfclient.projection.sockets.answers"),
    *("tfclient.projection.sockets.connection", "tfclient.projection.sockets.conversation"),
    *("tfclient.projection.sockets.session_config", "tfclient.projection.sockets.speech"),
    *("tfclient.projection.sockets.playback", "tfclient.projection.sockets.sent_items"),
    *("tfclient.projection.sockets.requests", "tfclient.projection.sockets.taken_up"),
    *("tfclient.projection.sockets.call_step", "tfclient.projection.sockets.responses"),
    *("tfclient.projection.sockets.errors", "tfclient.projection.sockets.realtime"),
    "tfclient.projection.sockets.sockets",
    *("tfclient.projection.projector", "tfstore.journal.archive", "tfstore.journal.segment_reader"),
    *("tfstore.journal.reading", "tfstore.disk.blobs", "tinydb.queries", "tinydb", "cattrs._compat"),
    *("cattrs.errors", "cattrs.dispatch", "cattrs.gen", "cattrs.cols", "cattrs.converters", "cattrs"),
    *("tfstore.document.converter", "tfstore.document.text", "tfstore.disk.session_folder"),
    *(
        "sqlite3",
        "tfstore.index.session_index",
        "tfstore.reading.descent",
        "tfstore.reading.designed_ends",
        "tfstore.reading.messages",
    ),
    *(
        "tfstore.store",
        "rich.cells",
        "tfstore.reading.plain_text",
        "tfstore.reading.facts",
        "tfstore.reading.step_words",
    ),
    *("tfd2.emit", "tfd2.steps", "tfd2.cards", "tfd2.containers", "tfd2.timeline", "tfd2"),
    *("tfstore.journal.zstd", "tfclient.finishing.live", "tfclient.finishing.last_steps"),
    *("tfclient.finishing.helper", "tfclient.finishing.recovery"),
)
"""What the thread needs, so ordered that each brings little along: the program has its turn in between."""


class Finisher:
    """Keeps the files of one store's sessions, for one process."""

    def __init__(self, paths: StorePaths) -> None:
        """Prefer ``Finisher.for_store``; no thread is started before there is something to do."""
        self.paths = paths
        self._lock = lock()
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        # A forked child has no thread yet, and none of its parent's work is its own.
        self._thread: threading.Thread | None = None
        self._news: SimpleQueue[None] = SimpleQueue()
        self._asked: SimpleQueue[str] = SimpleQueue()
        self._dirty: set[str] = set()
        self._own: set[str] = set()
        """Sessions that this process is at, until their files are written."""
        self._ended: deque[tuple[str, OnDone, float]] = deque()
        self._pending = 0
        self._waiting = 0
        self._draining = 0
        """How many of those who wait do so for whatever there is, at the end of the program."""
        self._live: dict[str, LiveSession] = {}
        self._due: dict[str, float] = {}
        self._heavy: set[str] = set()
        self._helped: dict[str, float] = {}
        """Until when a session's document is not to be refreshed by a helper again; without end while one is at it."""
        self._closed: set[str] = set()
        self._listeners: dict[str, Listener] = {}
        self._recovered = False
        self._settled = threading.Event()

    @classmethod
    def for_store(cls, paths: StorePaths, settings: Settings | None = None) -> Finisher:
        """Return the finisher of this store in this process."""
        if settings is not None and settings.notes:
            with importing:
                from tfclient.finishing.learning import learn_from_now_on
            learn_from_now_on(paths)
        with _FINISHERS_LOCK:
            return _FINISHERS.setdefault(paths.root, cls(paths))

    def listen(self, session_id: str, tell: Callable[[Event], object], health: Health) -> None:
        """Have a program told what happens in a session, until its files are written."""
        with importing:
            from tfclient.finishing.telling import Listener
        self._listeners.setdefault(session_id, Listener(tell, health))

    def refresh(self, session_id: str) -> None:
        """Have the session's document brought up to date soon; costs next to nothing when that is due already."""
        if session_id in self._dirty:
            # A refresh that has not begun to read yet.
            return
        self._dirty.add(session_id)
        self._own.add(session_id)
        self._asked.put(session_id)
        self._news.put(None)
        self.see_to_it()

    def write_files(self, session_id: str, on_done: OnDone) -> None:
        """Have the files of a session written that has ended, and its journal archived."""
        self._pending += 1
        self._own.add(session_id)
        work = (session_id, on_done, monotonic())
        self._ended.append(work)
        self._news.put(None)
        if not self.see_to_it() and not sys.is_finalizing():
            # The process has no more threads to give: do it here and now.
            with contextlib.suppress(ValueError):
                self._ended.remove(work)
                self._write_files(session_id, on_done)

    def drain(self, timeout: float) -> None:
        """Wait until all that is to be written is, for at most so many seconds."""
        until = monotonic() + timeout
        self._draining += 1
        try:
            with self.waiting():
                while self._pending and self.see_to_it() and (left := until - monotonic()) > 0:
                    self._settled.wait(min(left, 0.01))
                    self._settled.clear()
        finally:
            self._draining -= 1

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Somebody waits for files meanwhile: they are written at full speed."""
        with self._lock:
            self._waiting += 1
        self._news.put(None)
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def see_to_it(self) -> bool:
        """Whether there is a thread that does what was asked for; one that has ended is replaced."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            return True
        with self._lock:
            if self._thread is thread:
                if thread is not None and not sys.is_finalizing():
                    _log.warning(
                        "tfclient: the thread that writes documents was ended, another one takes its place."
                    )
                self._thread = start_thread(self._run, "tfclient")
            return self._thread is not None

    def _run(self) -> None:
        turns = Turns(self._pause, lambda: self._waiting > 0)
        take_turns(turns)
        for name in (*NEEDED, *_needed_to_learn(self.paths)):
            # What is missing here is missed by whoever needs it, and told to whoever asked.
            with importing, contextlib.suppress(ImportError):
                importlib.import_module(name)
            turns()
        while True:
            try:
                worked = self._work()
            except Exception:  # noqa: BLE001 - the next work is none the worse for it
                _log.debug("tfclient: the thread that writes documents met an error", exc_info=True)
                worked = True
            if worked:
                turns.end()
            else:
                self._wait_for_news()
                turns.begin()

    def _work(self) -> bool:
        """Do what is first to be done; say whether there was anything."""
        self._listen()
        if self._ended:
            self._write_next()
        elif (session_id := self._next_due()) is not None:
            self._refresh(session_id)
            self._recover_others()
        else:
            return False
        return True

    def _listen(self) -> None:
        """Take what was asked for: the refresh of a session is due a second later."""
        with contextlib.suppress(Empty):
            while True:
                asked = self._asked.get_nowait()
                soon = TOLD_SECONDS if asked in self._listeners else REFRESH_SECONDS
                self._due.setdefault(asked, monotonic() + soon)

    def _next_due(self) -> str | None:
        now = monotonic()
        return next((session_id for session_id, at in self._due.items() if at <= now), None)

    def _wait_for_news(self) -> None:
        with contextlib.suppress(Empty):
            at = min(self._due.values(), default=None)
            self._news.get(timeout=None if at is None else max(0.0, at - monotonic()))

    def _pause(self, seconds: float) -> None:
        """Let time pass, no longer than a breath from when somebody waits.

        Without any ``sleep``: a program's tests put something else in its place, and count its calls.
        """
        began = monotonic()
        while (left := began + self._at_most(seconds) - monotonic()) > 0:
            with contextlib.suppress(Empty):
                self._news.get(timeout=left)

    def _at_most(self, seconds: float) -> float:
        # Asked anew whenever there is news: who begins to wait brings some.
        return min(seconds, BREATH) if self._waiting else seconds

    def _refresh(self, session_id: str) -> None:
        from tfclient.finishing.live import HEAVY, TooHeavy

        rest = self._helped.get(session_id, 0.0) - monotonic()
        if rest > 0:
            self._due[session_id] = monotonic() + min(rest, REFRESH_SECONDS)
            return
        del self._due[session_id]
        self._dirty.discard(session_id)
        try:
            if session_id not in self._heavy:
                live = self._session(session_id)
                if live.refresh(HEAVY):
                    self._tell(session_id, live.project)
                return
        except TooHeavy:
            self._left_to_helper(session_id)
        except Exception:  # noqa: BLE001 - a live view that fails is made again by the next refresh
            _log.debug("tfclient: session %s was not refreshed", session_id, exc_info=True)
            return
        self._refresh_by_helper(session_id)

    def _tell(self, session_id: str, session: Callable[[], Session]) -> None:
        listener = self._listeners.get(session_id)
        if listener is not None:
            listener.hear(session())

    def _left_to_helper(self, session_id: str) -> None:
        self._live.pop(session_id, None)
        self._heavy.add(session_id)
        listener = self._listeners.pop(session_id, None)
        if listener is not None:
            listener.deaf(session_id)

    def _refresh_by_helper(self, session_id: str) -> None:
        from tfclient.finishing.helper import helper_is_free, start_helper

        if not helper_is_free():
            self._dirty.add(session_id)
            self._due[session_id] = monotonic() + REFRESH_SECONDS
            return
        began = monotonic()

        def done(_error: Exception | None, _drift: int) -> None:
            self._helped[session_id] = monotonic() + (monotonic() - began) * (SHARE - 1)

        self._helped[session_id] = float("inf")
        if not start_helper(self.paths, session_id, done):
            done(None, 0)

    def _write_next(self) -> None:
        """Write the files of the session that ended first; of all that have, by a helper, if they wait for long."""
        session_id, on_done, since = self._ended.popleft()
        # A helper gives way to everything: on a busy machine, who waits for a session would wait for long.
        is_waited_for = self._waiting > self._draining
        if (
            is_waited_for
            or monotonic() - since < OVERDUE
            or not self._all_left_to_helper(session_id, on_done)
        ):
            self._write_files(session_id, on_done)

    def _all_left_to_helper(self, session_id: str, on_done: OnDone) -> bool:
        from tfclient.finishing.helper import helper_is_free, start_helper_for

        if not helper_is_free():
            return False
        # One that ended, went on and ended again has several who want to know.
        if self._listeners:
            # Whoever listens waits for what is projected here.
            return False
        left: dict[str, list[OnDone]] = {session_id: [on_done]}
        others = list(self._ended)[:_HELPED]
        for other, its_done, _ in others:
            left.setdefault(other, []).append(its_done)
        if not start_helper_for(
            self.paths, {each: self._when_all_done(each, done) for each, done in left.items()}
        ):
            return False
        for _ in others:
            self._ended.popleft()
        return True

    def _write_files(self, session_id: str, on_done: OnDone) -> None:
        error: Exception | None = None
        drift = 0
        done = self._when_done(session_id, on_done)
        try:
            drift = self._write_here(session_id)
        except Exception as caught:  # noqa: BLE001 - goes to whoever asked
            error = caught
            if self._is_left_to_helper(session_id, error, done):
                return
        except BaseException as caught:
            done(RuntimeError(f"interrupted by {type(caught).__name__}"), 0)
            raise
        done(error, drift)

    def _is_left_to_helper(self, session_id: str, error: Exception, done: OnDone) -> bool:
        """Whether a helper writes its files, since it is too heavy to be held here."""
        # Where this cannot be imported, that is the error.
        live = sys.modules.get("tfclient.finishing.live")
        if live is None or not isinstance(error, live.TooHeavy):
            return False
        from tfclient.finishing.helper import start_helper

        self._left_to_helper(session_id)
        return start_helper(self.paths, session_id, done)

    def _write_here(self, session_id: str) -> int:
        from tfclient.finishing.last_steps import claim_and_write
        from tfclient.finishing.live import HEAVY
        from tfstore.journal.segment import closed_segments, forget_closed

        live = self._session(session_id)
        folder = self.paths.journal_of(session_id)
        written = closed_segments(folder)
        session = claim_and_write(live, HEAVY)
        self._tell(session_id, lambda: session)
        cut_off = live.cut_off(written)
        if session.status != "closed":
            return 0
        self._live.pop(session_id, None)
        forget_closed(folder)
        return len(live.missing_in(session)) + cut_off

    def _when_done(self, session_id: str, on_done: OnDone) -> OnDone:
        def done(error: Exception | None, drift: int) -> None:
            self._heavy.discard(session_id)
            self._listeners.pop(session_id, None)
            self._own.discard(session_id)
            self._helped.pop(session_id, None)
            try:
                on_done(error, drift)
            finally:
                with self._lock:
                    self._pending -= 1
                self._settled.set()
                if (live := _exported(self.paths)) is not None:
                    live.session_written(session_id)

        # What was due before the end is in what is written now.
        if self._due.pop(session_id, None) is not None:
            self._dirty.discard(session_id)
        return done

    def _when_all_done(self, session_id: str, on_done: list[OnDone]) -> OnDone:
        told = [self._when_done(session_id, each) for each in on_done]

        def done(error: Exception | None, drift: int) -> None:
            for each in told:
                each(error, drift)

        return done

    def _session(self, session_id: str) -> LiveSession:
        from tfclient.finishing.live import HEAVY, LiveSession
        from tfstore.store import Store

        live = self._live.pop(session_id, None)
        if live is None:
            live = LiveSession(Store(self.paths.root, create=True), session_id)
        # The one used last stands last.
        self._live[session_id] = live
        held = sum(each.weight for each in self._live.values())
        for name, each in list(self._live.items())[:-1]:
            if held > HEAVY:
                held -= each.weight
                del self._live[name]
        return live

    def _recover_others(self) -> None:
        """Once per process, when there is time: recover what earlier processes left, in a thread of its own."""
        if not self._recovered:
            self._recovered = True
            # Where no thread can be started, the next process will find them.
            start_thread(self._recover, "tfclient-recover")

    def _recover(self) -> None:
        from tfclient.finishing.helper import start_helper
        from tfclient.finishing.live import HEAVY
        from tfclient.finishing.recovery import recover, unarchived
        from tfstore.journal.reading import size_of
        from tfstore.store import Store

        nothing = threading.Event()

        def pause(seconds: float) -> None:
            # Its own news would be the other thread's: it looks from time to time.
            until = monotonic() + seconds
            while (left := until - monotonic()) > 0 and not nothing.wait(min(left, self._at_most(_LOOK))):
                if self._waiting:
                    return

        take_turns(Turns(pause, lambda: self._waiting > 0))
        try:
            store = Store(self.paths.root, create=True)
            for session_id in unarchived(store):
                if session_id in self._own:
                    # It has ended just now, and its files are about to be written.
                    continue
                if size_of(store.paths, session_id) > HEAVY:
                    start_helper(store.paths, session_id, _ignore)
                    continue
                for session in recover(store, [session_id]):
                    _log.info(
                        "tfclient: the files of session %s of an earlier process were written",
                        session.session_id,
                    )
        except Exception:  # noqa: BLE001 - `tfclient recover` says what is wrong
            _log.debug("tfclient: recovery failed", exc_info=True)
        if (live := _exported(self.paths)) is not None:
            live.look_for_others()


def _needed_to_learn(paths: StorePaths) -> tuple[str, ...]:
    """Return what the thread needs besides, where sessions are learnt from."""
    learning = sys.modules.get("tfclient.finishing.learning")
    if learning is None:
        # Whoever wants it has imported it.
        return ()
    needed: tuple[str, ...] = learning.NEEDED if learning.is_learnt(paths) else ()
    return needed


def _exported(paths: StorePaths) -> LiveExport | None:
    """Return what sends the sessions of a store to an endpoint, where somebody asked for it."""
    exporting = sys.modules.get("tfclient.finishing.exporting")
    # Whoever wants it has imported it.
    return None if exporting is None else exporting.exported(paths)


def _ignore(_error: Exception | None, _drift: int) -> None:
    """What a helper could not do, the next process will try."""


_FINISHERS: dict[Path, Finisher] = {}
_FINISHERS_LOCK = lock()
