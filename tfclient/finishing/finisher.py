"""The background thread that writes documents and diagrams, one for sync and async programs.

What it is to do is asked for in ``asked``. A live session's document is refreshed at most every second. When a
session ends, its files, document and diagram, are written before anything else. Handing work over takes no time and
waits for nothing; the thread takes one part in twenty of the time, in turns of a few milliseconds, unless somebody
waits for what it does. Sessions that end faster than it can write their files so are left to a helper process.
Whatever goes wrong here goes to whoever asked, never to the program's own calls.

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
import os
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfclient.finishing.asked import Asked
from tfclient.finishing.needed import NEEDED, needed_to_learn
from tfclient.finishing.operations import Keeper
from tfclient.finishing.slices import SHARE, Turns
from tfstore.disk.fork import importing, lock, renew_after_fork, start_thread
from tfstore.disk.turns import taking_turns

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tfclient.event import Event
    from tfclient.finishing.asked import Ended
    from tfclient.finishing.helper import OnDone
    from tfclient.finishing.live import LiveSession
    from tfclient.finishing.pushing import Pusher
    from tfclient.health import Health
    from tfclient.settings import Settings
    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Session

_log = logging.getLogger("tfclient")

OVERDUE: Final = 10.0
"""Seconds after which the files of sessions that have ended are left to a helper process."""

_LOOK: Final = 0.05
"""Seconds between two looks whether somebody waits, where nobody says so."""

_HELPED: Final = 200
"""Sessions that one helper writes the files of."""


class Finisher:
    """Keeps the files of one store's sessions, for one process."""

    def __init__(self, paths: StorePaths) -> None:
        """Prefer ``Finisher.for_store``; no thread is started before there is something to do."""
        self.paths = paths
        self._operations: Final = Keeper(paths)
        self._lock = lock()
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        # A forked child has no thread yet, and none of its parent's work is its own.
        self._thread: threading.Thread | None = None
        self._asked = Asked()
        self._live: dict[str, LiveSession] = {}
        self._heavy: set[str] = set()
        self._helped: dict[str, float] = {}
        """Until when a session's document is not to be refreshed by a helper again; without end while one is at it."""
        self._recovered = False

    @classmethod
    def for_store(cls, paths: StorePaths, settings: Settings | None = None) -> Finisher:
        """Return the finisher of this store in this process."""
        if settings is not None and settings.notes:
            with importing:
                from tfclient.finishing.learning import learn_from_now_on
            learn_from_now_on(paths)
        with _FINISHERS_LOCK:
            return _FINISHERS.setdefault(paths.root, cls(paths))

    def watch(self, health: Health) -> None:
        """Have it written down what a recorder meets with, for ``tfclient metrics``."""
        self._operations.watch(health)

    def write_down(self) -> None:
        """Write that down, before anybody hears that the last of what was asked for is done."""
        self._operations.save(soon=not self._asked.others_that_ended(1))

    def listen(self, session_id: str, tell: Callable[[Event], object], health: Health) -> None:
        """Have a program told what happens in a session, until its files are written."""
        with importing:
            from tfclient.finishing.telling import Listener
        self._asked.listeners.setdefault(session_id, Listener(tell, health))

    def refresh(self, session_id: str) -> None:
        """Have the session's document brought up to date soon; costs next to nothing when that is due already."""
        if self._asked.refresh(session_id):
            self.see_to_it()

    def write_files(self, session_id: str, on_done: OnDone) -> None:
        """Have the files of a session written that has ended, and its journal archived."""
        on_done = self._timed(on_done)
        work = self._asked.ended(session_id, on_done)
        if not self.see_to_it() and not sys.is_finalizing() and self._asked.take_back(work):
            # The process has no more threads to give: it is done here and now.
            self._write_files(session_id, on_done)

    def _timed(self, on_done: OnDone) -> OnDone:
        began = monotonic()

        def done(error: Exception | None, drift: int) -> None:
            if error is None:
                self._operations.ingested(monotonic() - began)
            on_done(error, drift)

        return done

    def drain(self, timeout: float) -> None:
        """Wait until all that is to be written is, for at most so many seconds."""
        self._asked.wait_for_all(timeout, self.see_to_it)

    def waiting(self) -> AbstractContextManager[None]:
        """Somebody waits for files meanwhile: they are written at full speed."""
        return self._asked.waiting()

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
        turns = Turns(self._asked.pause, lambda: self._asked.hurried)
        with taking_turns(turns):
            self._run_in(turns)

    def _run_in(self, turns: Turns) -> None:
        for name in (*NEEDED, *needed_to_learn(self.paths)):
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
                self._asked.wait_for_news()
                turns.begin()

    def _work(self) -> bool:
        """Do what is first to be done; say whether there was anything."""
        if (ended := self._asked.next_ended()) is not None:
            self._write_next(ended)
        elif (session_id := self._asked.next_due()) is not None:
            self._refresh(session_id)
            self._operations.save(soon=False)
            self._recover_others()
        else:
            return False
        return True

    def _refresh(self, session_id: str) -> None:
        from tfclient.finishing.live import HEAVY, TooHeavy

        rest = self._helped.get(session_id, 0.0) - monotonic()
        if rest > 0:
            self._asked.put_off(session_id, rest)
            return
        self._asked.refreshing(session_id)
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
        listener = self._asked.listeners.get(session_id)
        if listener is not None:
            listener.hear(session())

    def _left_to_helper(self, session_id: str) -> None:
        self._live.pop(session_id, None)
        self._heavy.add(session_id)
        listener = self._asked.listeners.pop(session_id, None)
        if listener is not None:
            listener.deaf(session_id)

    def _refresh_by_helper(self, session_id: str) -> None:
        from tfclient.finishing.helper import helper_is_free, start_helper

        if not helper_is_free():
            self._asked.put_off(session_id)
            return
        began = monotonic()

        def done(_error: Exception | None, _drift: int) -> None:
            self._helped[session_id] = monotonic() + (monotonic() - began) * (SHARE - 1)

        self._helped[session_id] = float("inf")
        if not start_helper(self.paths, session_id, done):
            done(None, 0)

    def _write_next(self, ended: Ended) -> None:
        """Write the files of a session that ended; of all that have, by a helper, if they wait for long."""
        # A helper gives way to everything: on a busy machine, who waits for a session would wait for long.
        is_here = self._asked.one_is_waited_for or monotonic() - ended.since < OVERDUE
        if is_here or not self._all_left_to_helper(ended):
            self._write_files(ended.session_id, ended.on_done)

    def _all_left_to_helper(self, ended: Ended) -> bool:
        from tfclient.finishing.helper import helper_is_free, start_helper_for

        if not helper_is_free():
            return False
        if self._asked.listeners:
            # Whoever listens waits for what is projected here.
            return False
        others = self._asked.others_that_ended(_HELPED)
        # One that ended, went on and ended again has several who want to know.
        left: dict[str, list[OnDone]] = {}
        for each in (ended, *others):
            left.setdefault(each.session_id, []).append(each.on_done)
        if not start_helper_for(
            self.paths, {each: self._when_all_done(each, done) for each, done in left.items()}
        ):
            return False
        for each in others:
            self._asked.take_back(each)
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
        from tfstore.journal.own_segments import closed_segments, forget_closed

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
            self._asked.written(session_id)
            self._helped.pop(session_id, None)
            try:
                on_done(error, drift)
                # Also of a recorder that keeps nothing raw: what another one left gets old.
                if os.path.lexists(self.paths.raw):
                    with importing:
                        from tfclient.finishing.raw_age import let_old_ones_go
                    let_old_ones_go(self.paths)
            finally:
                self._asked.settled()
                for each in _pushers(self.paths):
                    each.session_written(session_id)

        # What was due before the end is in what is written now.
        self._asked.refreshing(session_id)
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
            while (left := until - monotonic()) > 0 and not nothing.wait(
                min(left, self._asked.at_most(_LOOK))
            ):
                if self._asked.hurried:
                    return

        try:
            with taking_turns(Turns(pause, lambda: self._asked.hurried)):
                store = Store(self.paths.root, create=True)
                for session_id in unarchived(store):
                    if session_id in self._asked.own:
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
        for each in _pushers(self.paths):
            each.look_for_others()


def _pushers(paths: StorePaths) -> list[Pusher]:
    """Return what sends the sessions of a store somewhere, where somebody asked for it."""
    pushing = sys.modules.get("tfclient.finishing.pushing")
    # Whoever wants it has imported it.
    return [] if pushing is None else pushing.pushers(paths)


def _ignore(_error: Exception | None, _drift: int) -> None:
    """What a helper could not do, the next process will try."""


_FINISHERS: dict[Path, Finisher] = {}
_FINISHERS_LOCK = lock()
