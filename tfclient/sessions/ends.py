"""The end of a session: its last entry, then its files in the background, once more where something comes in late.

What is written to a session is followed by its document while it is open; who ends it, or waits for its files, asks
here as well.
"""

from __future__ import annotations

import contextlib
import os
from time import monotonic
from typing import TYPE_CHECKING, cast

from tfclient.sessions.continued import withdraw
from tfclient.sessions.idle_and_exit import drain_at_exit, hold, release
from tfclient.sessions.program_failure import failure_of
from tfclient.sessions.state import PATIENCE
from tfstore.disk import fork
from tfstore.disk.fork import importing, start_thread
from tfstore.journal.entries import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from tfclient.event import Event
    from tfclient.finishing.finisher import Finisher
    from tfclient.health import Health
    from tfclient.redaction import Redactor
    from tfclient.sessions.raw_bodies import RawBodies
    from tfclient.sessions.state import SessionState
    from tfclient.settings import Settings
    from tfclient.stats import Counters
    from tfstore.document.labels import EndReason
    from tfstore.journal import entries as journal
    from tfstore.journal.entries import Written


class Ends:
    """The ends of one recorder's sessions.

    Args:
        settings: where the store is, and what is asked for beside it.
        health: where faults are counted.
        counters: where work is counted.
        redactor: clears what a session says of its end.
        on_event: is told what happens in each session, if somebody wants to be.
        raw: what is kept raw, if anything is; it is waited for where the files are.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        health: Health,
        counters: Counters,
        redactor: Redactor,
        on_event: Callable[[Event], object] | None = None,
        raw: RawBodies | None = None,
    ) -> None:
        self._settings = settings
        self._health = health
        self._counters = counters
        self._redactor = redactor
        self._on_event = on_event
        self._raw = raw
        self._lock = fork.lock()
        self._finisher: Finisher | None = None

    def keep(self, state: SessionState) -> None:
        """Have a session ended when it is idle, or with the process; it holds something from now on."""
        with self._lock:
            if state.ended:
                return
            state.kept = True
            hold(state)
            if self._on_event is not None:
                with self._health.guard("event", f"telling what happens in session {state.id}"):
                    self._made_finisher().listen(state.id, self._on_event, self._health)

    def touch(self, state: SessionState) -> None:
        """Note that something was journaled: the session is not idle, and its document is to follow."""
        state.last_activity = monotonic()
        if state.ended:
            if not state.late:
                # Held until its files have it too, which is at the end of the process if not before.
                state.late = True
                hold(state)
            return
        try:
            (self._finisher or self._made_finisher()).refresh(state.id)
        except Exception as error:  # noqa: BLE001 - the program goes on
            self._health.fault("finish", error, f"refreshing the document of session {state.id}")

    def fail(self, state: SessionState, error: BaseException) -> None:
        """Note the exception that ends a session which is open, once."""
        if state.ended or state.failure is not None or not self._settings.enabled:
            return
        with self._health.guard("session", f"noting the exception that ends session {state.id}"):
            # Redacted where it is written.
            state.failure = failure_of(error, stacks=self._settings.stacks)

    def end(self, state: SessionState, reason: EndReason = "closed", patience: float = PATIENCE) -> None:
        """End a session: its last entry, then document and diagram in the background.

        Args:
            state: the session.
            reason: why.
            patience: seconds to wait, where the disk is slow, for what is still to be written.
        """
        with self._lock:
            again, state.ended = state.ended, True
            kept = state.kept
            if not kept and not again:
                state.unsaid = reason
        if again:
            self.write_late_files(state)
            return
        release(state)
        if not state.due:
            withdraw(self._settings.directory, state.beginning, state.id)
        try:
            if not kept or not self._is_ours_to_end(state):
                state.writer.close(patience)
                state.done.set()
                return
            self._say_ended(state, reason)
            self._health.look()
            slow = (state.writer.backlog or state.aside) and reason != "process_exit"
            if not slow or start_thread(lambda: self.write_files(state), "tfclient-end") is None:
                self.write_files(state, patience)
        except Exception as error:  # noqa: BLE001 - the program goes on
            self._done(state, error)

    def write_files(self, state: SessionState, patience: float = PATIENCE) -> None:
        """Close an ended session's journal and have its document and diagram written."""
        state.aside.wait(patience)
        state.writer.close(patience)
        try:
            self._made_finisher().write_files(state.id, lambda error, drift: self._done(state, error, drift))
        except Exception as error:  # noqa: BLE001 - the program goes on
            self._done(state, error)

    def wait(self, state: SessionState, timeout: float | None) -> bool:
        """Wait until the files of an ended session are written, or could not be; say whether that is so."""
        until = float("inf") if timeout is None else monotonic() + timeout
        with self.waiting():
            while not state.done.wait(min(1.0, max(0.0, until - monotonic()))) and monotonic() < until:
                if self._finisher is not None:
                    self._finisher.see_to_it()
        return state.done.is_set()

    def waiting(self) -> AbstractContextManager[None]:
        """Somebody waits for files meanwhile."""
        return contextlib.nullcontext() if self._finisher is None else self._finisher.waiting()

    def write_late_files(self, state: SessionState) -> None:
        """Have the files written once more if something came in after the end."""
        # Whoever still works aside has them written when that is done.
        if state.late and not state.aside:
            # In this order: what comes in between is late once more.
            release(state)
            state.late = state.due = False
            with self._lock:
                reason, state.unsaid = state.unsaid, None
            if reason is not None:
                self._say_ended(state, reason)
            self.write_files(state)

    def leave_entries(self, state: SessionState, entries: Iterable[Written]) -> None:
        """Have entries written soon: for the garbage collector, which may run inside any lock."""
        for entry in entries:
            state.writer.leave(entry)
        if state.ended:
            # Nothing may follow that would take them along.
            state.late = state.due = True
            hold(state)

    def _say_ended(self, state: SessionState, reason: EndReason) -> None:
        at, mono = stamp()
        entry: journal.SessionEnded = {"at": at, "mono": mono, "type": "session.ended", "end_reason": reason}
        if state.player is not None:
            entry["replay"] = cast("journal.Replay", state.player.left())
        if state.failure is not None:
            # Its end is to be told also where its words cannot be redacted.
            entry["failure"] = {"type": state.failure["type"], "message": ""}
            with self._health.guard("redaction", f"redacting the exception that ended session {state.id}"):
                kept, marks = self._redactor.value(state.failure)
                entry["failure"] = kept
                if marks:
                    entry["redactions"] = marks
        state.writer.append(entry)

    def _done(self, state: SessionState, error: Exception | None, drift: int = 0) -> None:
        state.error = error
        doing = f"writing the files of session {state.id}"
        try:
            if error is not None:
                self._health.fault("finish", error, doing)
            if drift > state.drift:
                # Once, though the files are written again where something came in late.
                self._counters.drift += drift - state.drift
                state.drift = drift
                what = f"{drift} of its responses are missing in its document, or entries in its journal"
                self._health.fault("drift", what, doing)
            if self._finisher is not None:
                self._finisher.write_down()
            if self._raw is not None:
                self._raw.wait(PATIENCE)
        finally:
            state.done.set()

    def _made_finisher(self) -> Finisher:
        with self._lock:
            if self._finisher is None:
                self._finisher = make_finisher(self._settings)
                self._finisher.watch(self._health)
                self._push_from_now_on()
                drain_at_exit(self._settings.directory, self._finisher)
            return self._finisher

    def _push_from_now_on(self) -> None:
        """Have sessions sent where they are to be sent to."""
        export, database = self._settings.export, self._settings.sync
        if export is None and database is None:
            return
        with importing:
            from tfclient.finishing.pushing import push_from_now_on
            from tfstore.disk.paths import StorePaths
        paths, fault = StorePaths(self._settings.directory), self._health.fault
        if export is not None:
            with importing:
                from tfclient.finishing.exporting import OTLP
            push_from_now_on(paths, OTLP, export, fault)
        if database is not None:
            with importing:
                from tfclient.finishing.syncing import DATABASE
            push_from_now_on(paths, DATABASE, database, fault)

    def _is_ours_to_end(self, state: SessionState) -> bool:
        """Whether this process says how a session ended: the one that opened it, else the last that writes to it.

        A forked child that has recorded nothing has nothing to say.
        """
        if state.pid == os.getpid():
            return True
        own = state.writer.name
        if own is None:
            return False
        with self._health.guard("session", f"looking for other writers of session {state.id}"):
            from tfstore.disk.paths import StorePaths
            from tfstore.journal.reading import live_writers

            return live_writers(StorePaths(self._settings.directory), state.id) == [own]
        return False


def make_finisher(settings: Settings) -> Finisher:
    """Return the one finisher of this store in this process."""
    from tfclient.finishing.finisher import Finisher
    from tfstore.disk.paths import StorePaths

    return Finisher.for_store(StorePaths(settings.directory), settings)
