"""The sessions of one recorder: opening, the current one, what is written to one; their ends are in ``ends``.

A recorder has one implicit session, opened by its first call, and any number of sessions of the program's own
(``with client.session()``), which follow the context: tasks and ``copy_context`` threads belong to the session
that they were started in. A call after the end of a session opens another one.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from tfclient import playing
from tfclient.errors import SessionEnded
from tfclient.sessions.continued import beginning_of, found, offer
from tfclient.sessions.ends import Ends
from tfclient.sessions.generators import held_here, hold_by_generator, is_meant_here, let_go
from tfclient.sessions.idle_and_exit import look_again, open_sessions
from tfclient.sessions.state import PATIENCE, SessionState
from tfclient.sessions.writer import Writer
from tfclient.signals import let_pass
from tfstore.disk import fork
from tfstore.disk.fork import importing
from tfstore.journal.entries import CLOCK, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from tfclient.event import Event
    from tfclient.health import Health
    from tfclient.playing import Player
    from tfclient.redaction import Redactor
    from tfclient.sessions.raw_bodies import RawBodies
    from tfclient.sessions.state import Link
    from tfclient.settings import AudioSetting, Settings
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
        self.health = health
        self.counters = counters
        self.redactor = redactor
        self.keeps_audio: AudioSetting = "count" if redactor.mode == "content" else settings.audio
        # Only once there is a redactor: it takes longer to import than all the rest.
        from tfclient.redaction.header_plans import Known

        self.known = Known(redactor)
        self._without_secrets = (
            redactor if redactor.mode != "none" else type(redactor).from_setting("secrets")
        )
        self.raw: RawBodies | None = None
        if settings.capture_raw and settings.enabled:
            from tfclient.sessions.raw_bodies import RawBodies

            self.raw = RawBodies(settings.directory, health)
        self._runtime = runtime
        self._lock = fork.lock()
        self._implicit: SessionState | None = None
        self.ends = Ends(
            settings,
            health=health,
            counters=counters,
            redactor=self._without_secrets,
            on_event=on_event,
            raw=self.raw,
        )

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
            from tfclient.sessions import first_document  # noqa: F401
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
            fail=self.ends.fail,
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
            goes_on=session_id is not None,
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
            self.ends.keep(state)
            # Opened here and not at its first call: a session without calls has a document too.
            state.writer.append()

    async def open_meanwhile(self, state: SessionState) -> None:
        """Have the journal of a session that is about to be entered opened while other tasks run.

        Opening takes longer than all else that a session asks of an event loop.
        """
        if state.ended or not self.settings.enabled:
            return
        self.ends.keep(state)
        try:
            await state.writer.open_meanwhile()
        except Exception as error:  # noqa: BLE001 - whoever enters it meets that again, and tells
            let_pass(error)
        except BaseException as error:
            # Cancelled: nobody will leave what was never entered.
            self.ends.fail(state, error)
            self.end(state)
            raise

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
            self.ends.fail(state, error)
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
            self.ends.keep(state)
        written = state.writer.append(*entries)
        self.ends.touch(state)
        return written

    def write_aside(self, state: SessionState, *entries: Written) -> None:
        """Journal what a thread has made of what went by; the files of a session that has ended wait for it."""
        if not state.ended or not state.aside.is_waited_for:
            self.write(state, *entries)
        else:
            state.writer.append(*entries)
            if state.aside.is_waited_for:
                return
            # It had waited long enough just then.
            self.ends.touch(state)
        self.ends.write_late_files(state)

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
            self.ends.write_late_files(state)

    def end(self, state: SessionState, reason: EndReason = "closed", patience: float = PATIENCE) -> None:
        """End a session, see ``Ends.end``; what is recorded after that begins another one."""
        self.ends.end(state, reason, patience)
        with self._lock:
            if self._implicit is state:
                self._implicit = None

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
            self.ends.fail(implicit, error)

    def client_closed(self) -> None:
        """End the implicit session: the last client that recorded into it is closed."""
        implicit = self._implicit
        if implicit is not None and not implicit.ended:
            implicit.due = True
            self.end(implicit)

    def clean(self, value: Any, what: str) -> Any:
        """Return a value of the program's own as it may be journaled."""
        return self.cleaned(value, what, "value")[0]

    def cleaned(self, value: Any, what: str, path: str) -> tuple[Any, list[Any]]:
        """Return the same, and the marks of what was changed in it, their paths from there."""
        with self.health.guard("redaction", f"redacting {what}"):
            # The words of an exception may hold a header, and credentials in headers are kept in no mode.
            redactor = self._without_secrets if path == "error" else self.redactor
            kept, marks = redactor.value(value, "value")
            return kept, [{**mark, "path": f"{path}{mark['path'].removeprefix('value')}"} for mark in marks]
        return None, []

    def _opening(self, state: SessionState) -> journal.SessionStarted:
        at, mono = state.started
        title, marks = self.cleaned(state.title, "session.title", "title")
        metadata, more = self.cleaned(state.metadata, "session.metadata", "metadata")
        entry: journal.SessionStarted = {
            "at": at,
            "mono": mono,
            "type": "session.started",
            "journal_version": 1,
            "title": title if isinstance(title, str) else "",
            "metadata": metadata,
            "channel": "text",
            "runtime": self._runtime(),
            "redaction": {"mode": self.redactor.mode},
            "clock": CLOCK,
        }
        if state.player is not None:
            entry["replay"] = cast("journal.Replay", state.player.about())
        if self.settings.deltas:
            entry["deltas"] = True
        if self.raw is not None:
            entry["raw"] = True
        if self.settings.max_payload is not None:
            entry["max_payload"] = self.settings.max_payload
        if marks or more:
            entry["redactions"] = [*marks, *more]
        return entry
