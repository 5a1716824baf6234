"""The sessions of one recorder: opening, the current one, what is written to one, the end.

A recorder has one implicit session, opened by its first call, and any number of sessions of the program's own
(``with client.session()``), which follow the context: tasks and ``copy_context`` threads belong to the session
that they were started in. A call after the end of a session opens another one.
"""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast

from tfclient import playing
from tfclient.errors import SessionEnded
from tfclient.sessions.continued import beginning_of, found, offer, withdraw
from tfclient.sessions.generators import held_here, hold_by_generator, is_meant_here, let_go
from tfclient.sessions.idle_and_exit import drain_at_exit, hold, look_again, open_sessions, release
from tfclient.sessions.program_failure import failure_of
from tfclient.sessions.state import PATIENCE, SessionState
from tfclient.sessions.writer import Writer
from tfstore.disk import fork
from tfstore.disk.fork import importing, start_thread
from tfstore.journal.entries import CLOCK, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from contextvars import Token

    from tfclient.event import Event
    from tfclient.finishing.finisher import Finisher
    from tfclient.health import Health
    from tfclient.playing import Player
    from tfclient.redaction import Redactor
    from tfclient.sessions.state import Link
    from tfclient.settings import Settings
    from tfclient.stats import Counters
    from tfstore.document.labels import EndReason
    from tfstore.journal import entries as journal
    from tfstore.journal.entries import Members, Written

LEFT_ELSEWHERE: Final = (
    "This session was entered in one context and left in another, and no call was made in it: calls meant for it are "
    "in the session that was the current one where they were made. Make them with session.client."
)

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
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        self.settings = settings
        self._on_event = on_event
        self.health = health
        self.counters = counters
        self.redactor = redactor
        # Only once there is a redactor: it takes longer to import than all the rest.
        from tfclient.redaction.header_plans import Known

        self.known = Known(redactor)
        self._runtime = runtime
        self._lock = fork.lock()
        self._implicit: SessionState | None = None
        self._finisher: Finisher | None = None

    def new(
        self,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        session_id: str | None = None,
    ) -> SessionState:
        """Make a session, to be opened by what is written to it.

        Raises:
            InvalidSessionId: the id cannot be a file name.
        """
        # All that the first call needs: nothing is imported in the middle of one, where a fork may come between.
        with importing:
            from tfclient.finishing import finisher  # noqa: F401
            from tfstore.disk.paths import check_session_id, new_session_id
            from tfstore.journal import segment  # noqa: F401

        settings = self.settings
        state = SessionState(
            self,
            new_session_id() if session_id is None else check_session_id(session_id),
            title=title or "",
            metadata=metadata,
            idle_seconds=settings.idle_minutes * 60 or float("inf"),
            end=self.end,
            fail=self.fail,
        )
        if playing.on:
            state.player = playing.player_for()
        state.writer = Writer(
            settings.directory,
            state.id,
            fsync=settings.fsync,
            opening=lambda: self._opening(state),
            health=self.health,
            counters=self.counters,
        )
        return state

    def entered(self) -> SessionState | None:
        """The session that this context, or the generator that runs in it, was put into, if one is open."""
        held = held_here(self)
        link = _current.get()
        while link is not None:
            state, link = link
            is_inside = held is None or state.under is held
            if is_inside and state.owner is self and not state.ended and is_meant_here(state):
                return state
        return held

    def current(self) -> SessionState | None:
        """The session that a call made here and now belongs to, if one is open."""
        entered = self.entered()
        if entered is not None:
            return entered
        implicit = self._implicit
        return implicit if implicit is not None and not implicit.ended else None

    def for_call(
        self, options: Any = None, bound: SessionState | None = None, player: Player | None = None
    ) -> SessionState:
        """The current session; opened if there is none, or gone on with if it is that of this conversation.

        Args:
            options: what the SDK is about to send; None for a tool.
            bound: the session of a client that has one of its own; also when it has ended.
            player: what the call is played by, if it is: that has a session of its own.
        """
        state = self.current() if bound is None or bound.owner is not self else bound
        is_a_call = options is not None
        if playing.on and is_a_call and state is not None and state is self._implicit:
            # Tools belong to whatever session is there.
            if state.asked and state.player is not player:
                self.end(state)
                state = None
            else:
                state.player = player
        if state is None:
            # Who is given a conversation again does not go on with it.
            beginning, goes_on = beginning_of(options) if player is None else (None, False)
            earlier = found(self.settings.directory, beginning) if goes_on else None
            with self._lock:
                state = self._implicit
                if state is None or state.ended:
                    state = self._implicit = self.new(session_id=earlier)
                    state.beginning = beginning
                    state.player = player
                    offer(self.settings.directory, beginning, state.id, state.idle_seconds)
        state.asked = state.asked or is_a_call
        if player is not None:
            state.player = state.player or player
            player.recorded_in(state.id)
        state.calls += 1
        return state

    def open(self) -> list[SessionState]:
        """Return this recorder's sessions that have not ended."""
        return [state for state in open_sessions() if state.owner is self and not state.ended]

    def enter(self, state: SessionState) -> None:
        """Make a session the current one of this context.

        Raises:
            SessionEnded: it has ended.
        """
        if state.ended:
            raise SessionEnded(state.id)
        state.under = held_here(self)
        state.holder = hold_by_generator(state)
        state.token = _current.set((state, _current.get()))
        if self.settings.enabled:
            self._keep(state)
            # Opened here and not at its first call: a session without calls has a document too.
            state.writer.append()

    def adopt(self, state: SessionState) -> Token[Link | None]:
        """Put this context into a session that goes on when the context has left it."""
        state.under = held_here(self)
        return _current.set((state, _current.get()))

    @staticmethod
    def disown(token: Token[Link | None]) -> None:
        """Give the context back the session before.

        Raises:
            ValueError: it is another context.
        """
        _current.reset(token)

    def leave(self, state: SessionState, error: BaseException | None = None) -> None:
        """End a session and give the context back the one before.

        Args:
            state: the session.
            error: the exception that leaves its block, if one does.
        """
        if error is not None:
            self.fail(state, error)
        token, state.token = state.token, None
        held = state.holder is not None
        let_go(state)
        if token is not None:
            # A generator or an async fixture may leave in another context than it entered in.
            try:
                _current.reset(token)
            except (ValueError, RuntimeError):
                if not held and not state.calls:
                    self._say_astray(state)
        self.end(state)

    def _say_astray(self, state: SessionState) -> None:
        """Say that what was meant to be in a session is, as far as one can tell, in another."""
        if self.settings.enabled:
            self.health.stray(state.id)
            self.annotate(state, "session_left_elsewhere", {"note": LEFT_ELSEWHERE})

    def write(self, state: SessionState, *entries: Written | Members) -> bool:
        """Journal entries of a session; say whether they were taken."""
        if not state.kept:
            with self._lock:
                if not state.ended:
                    self._keep(state)
        written = state.writer.append(*entries)
        self.touch(state)
        return written

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
            self.health.fault("finish", error, f"refreshing the document of session {state.id}")

    def annotate(self, state: SessionState, kind: str, data: Any, **about: str | None) -> None:
        """Journal something that the program itself says, redacted."""
        if not self.settings.enabled:
            return
        with self.health.guard("session", f"recording an annotation in session {state.id}"):
            at, mono = stamp()
            about = {key: value for key, value in about.items() if value}
            kept, marks = self.redactor.value(data)
            entry = {"at": at, "mono": mono, "type": "annotation", "kind": str(kind), **about, "data": kept}
            self.write(state, entry | ({"redactions": marks} if marks else {}))
            self.write_late_files(state)

    def fail(self, state: SessionState, error: BaseException) -> None:
        """Note the exception that ends a session which is open, once."""
        if state.ended or state.failure is not None or not self.settings.enabled:
            return
        with self.health.guard("session", f"noting the exception that ends session {state.id}"):
            # Redacted where it is written.
            state.failure = failure_of(error, stacks=self.settings.stacks)

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
            if self._implicit is state:
                self._implicit = None
        if again:
            self.write_late_files(state)
            return
        release(state)
        if not state.due:
            withdraw(self.settings.directory, state.beginning, state.id)
        try:
            if not kept or not self._is_ours_to_end(state):
                state.writer.close(patience)
                state.done.set()
                return
            self._say_ended(state, reason)
            slow = state.writer.backlog and reason != "process_exit"
            if not slow or start_thread(lambda: self.write_files(state), "tfclient-end") is None:
                self.write_files(state, patience)
        except Exception as error:  # noqa: BLE001 - the program goes on
            self._done(state, error)

    def end_soon(self) -> None:
        """Have the implicit session ended: the last client that recorded into it is gone.

        Called by the garbage collector, inside whatever it interrupts, so the end itself is left to a thread.
        """
        implicit = self._implicit
        if implicit is not None and not implicit.ended:
            implicit.due = True
            look_again()

    def client_failed(self, error: BaseException) -> None:
        """Note the exception that leaves the block of the last client: it ends the implicit session."""
        implicit = self._implicit
        if implicit is not None:
            self.fail(implicit, error)

    def client_closed(self) -> None:
        """End the implicit session: the last client that recorded into it is closed."""
        implicit = self._implicit
        if implicit is not None and not implicit.ended:
            implicit.due = True
            self.end(implicit)

    def write_files(self, state: SessionState, patience: float = PATIENCE) -> None:
        """Close an ended session's journal and have its document and diagram written."""
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
        if state.late:
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
            with self.health.guard("redaction", f"redacting the exception that ended session {state.id}"):
                kept, marks = self.redactor.value(state.failure)
                entry["failure"] = kept
                if marks:
                    entry["redactions"] = marks
        state.writer.append(entry)

    def clean(self, value: Any, what: str) -> Any:
        """Return a value of the program's own as it may be journaled."""
        with self.health.guard("redaction", f"redacting {what}"):
            return self.redactor.value(value)[0]
        return None

    def _keep(self, state: SessionState) -> None:
        """Have the session ended when it is idle, or with the process."""
        state.kept = True
        hold(state)
        if self._on_event is not None:
            with self.health.guard("event", f"telling what happens in session {state.id}"):
                self._made_finisher().listen(state.id, self._on_event, self.health)

    def _opening(self, state: SessionState) -> journal.SessionStarted:
        at, mono = state.started
        title = self.clean(state.title, "session.title")
        entry: journal.SessionStarted = {
            "at": at,
            "mono": mono,
            "type": "session.started",
            "journal_version": 1,
            "title": title if isinstance(title, str) else "",
            "metadata": self.clean(state.metadata, "session.metadata"),
            "channel": "text",
            "runtime": self._runtime(),
            "redaction": {"mode": self.redactor.mode},
            "clock": CLOCK,
        }
        if state.player is not None:
            entry["replay"] = cast("journal.Replay", state.player.about())
        if self.settings.deltas:
            entry["deltas"] = True
        if self.settings.max_payload is not None:
            entry["max_payload"] = self.settings.max_payload
        return entry

    def _done(self, state: SessionState, error: Exception | None, drift: int = 0) -> None:
        state.error = error
        doing = f"writing the files of session {state.id}"
        try:
            if error is not None:
                self.health.fault("finish", error, doing)
            if drift > state.drift:
                # Once, though the files are written again where something came in late.
                self.counters.drift += drift - state.drift
                state.drift = drift
                what = f"{drift} of its responses are missing in its document, or entries in its journal"
                self.health.fault("drift", what, doing)
        finally:
            state.done.set()

    def _made_finisher(self) -> Finisher:
        with self._lock:
            if self._finisher is None:
                self._finisher = make_finisher(self.settings)
                self._export_from_now_on()
                drain_at_exit(self.settings.directory, self._finisher)
            return self._finisher

    def _export_from_now_on(self) -> None:
        """Have sessions sent where they are to be sent to."""
        if self.settings.export is not None:
            with importing:
                from tfclient.finishing.exporting import export_from_now_on
                from tfstore.disk.paths import StorePaths
            export_from_now_on(StorePaths(self.settings.directory), self.settings.export, self.health.fault)

    def _is_ours_to_end(self, state: SessionState) -> bool:
        """Whether this process says how a session ended: the one that opened it, else the last that writes to it.

        A forked child that has recorded nothing has nothing to say.
        """
        if state.pid == os.getpid():
            return True
        own = state.writer.name
        if own is None:
            return False
        with self.health.guard("session", f"looking for other writers of session {state.id}"):
            from tfstore.disk.paths import StorePaths
            from tfstore.journal.reading import live_writers

            return live_writers(StorePaths(self.settings.directory), state.id) == [own]
        return False


def make_finisher(settings: Settings) -> Finisher:
    """Return the one finisher of this store in this process."""
    from tfclient.finishing.finisher import Finisher
    from tfstore.disk.paths import StorePaths

    return Finisher.for_store(StorePaths(settings.directory), settings)
