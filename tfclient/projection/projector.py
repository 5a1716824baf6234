"""Journal entries in, session document out: no clock, no disk, no network.

A projector goes on where it stopped: feed it the entries that came since, ask for the session again. Entries of
several writers are fed in one order, by (``at``, writer, ``seq``), whoever reads the journal sees to that.

``session.started`` says how everything is to be shown. Where a journal was deleted under its program it is not the
first entry of what was begun anew, so that what comes before it waits until it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from attrs import define, field

from tfclient.projection.audit import Audit, is_of_header, sensitivity_of
from tfclient.projection.calls import Calls
from tfclient.projection.imports import FromALog
from tfclient.projection.lineage.book import Book
from tfclient.projection.lineage.lineage_index import LineageIndex
from tfclient.projection.lineage.run_choice import RunChoice
from tfclient.projection.replays import begun
from tfclient.projection.sockets.sockets import Sockets
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.other_calls import OtherCalls
from tfclient.projection.steps.provenance import Provenance
from tfclient.projection.steps.request_steps import Opening
from tfclient.projection.steps.response_steps import Outcome
from tfclient.projection.steps.steering import Steering
from tfclient.projection.steps.tool_hooks import ToolHooks
from tfclient.projection.steps.tool_steps import ToolSteps
from tfclient.projection.summary import Totals, failure_in, result_of, title_of
from tfclient.projection.weight.cuts import Cuts
from tfclient.projection.weight.lightener import Blob, Lightener
from tfclient.projection.wire.attempt import AttemptState
from tfstore.document.digest import payload_digest
from tfstore.document.documents import Session, Step
from tfstore.document.labels import EndReason
from tfstore.document.times import Moment, iso, later, milliseconds
from tfstore.journal.entries import TYPES, CallStarted, Entry, RedactionChanged, SessionEnded, SessionStarted


@define
class Projector:
    """Projects one session's entries into its document.

    ``lookup`` says in which other session a response was recorded, for links that leave this one.

    Example:
        >>> projector = Projector("sess_20260101T000000Z_00000000")
        >>> projector.feed({"type": "session.started", "at": 0, "title": "A trial"})
        >>> projector.session().title
        'A trial'
    """

    session_id: str
    lookup: Callable[[str], str | None] | None = None
    lightener: Lightener = field(factory=Lightener)
    unknown_entries: int = 0
    begun: bool = False
    """Whether the session's ``session.started`` was among the entries."""
    _early: list[Entry] | None = field(factory=list[Entry])
    _book: Book = field(init=False)
    _tools: ToolSteps = field(init=False)
    _calls: Calls = field(init=False)
    _hooks: ToolHooks = field(init=False)
    _sockets: Sockets = field(init=False)
    _totals: Totals = field(factory=Totals)
    _started_at: int | None = None
    _last_at: int = 0
    _clocks: dict[str, int] = field(factory=dict[str, int])
    """Of each monotonic clock: what it lacks to the time of day, at the first entry that was stamped by it."""
    _clock_of: dict[str, str] = field(factory=dict[str, str])
    """The clock of each writer that names it, which other processes of the machine have, too; else it is its own."""
    _titled: bool = False
    _imported: FromALog = field(factory=FromALog)
    _marked: bool = False
    _modes: dict[str, None] = field(factory=dict[str, None])
    _audit: Audit = field(factory=Audit)
    _shown: list[tuple[Step, dict[str, Any]]] = field(factory=list)
    _cuts: Cuts = field(init=False)
    _handlers: dict[str, Callable[[Any, int], bool | None]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Wire the parts to one book and one index."""
        self._book = book = Book(Session(self.session_id))
        self._cuts = Cuts(self.lightener)
        provenance = Provenance(book, self.lightener)
        index = LineageIndex(provenance.known)
        self._tools = tools = ToolSteps(book, index)
        opening = Opening(book, index, tools, RunChoice(book, self.lightener, self.lookup), provenance)
        other = OtherCalls(book, tools, self.lightener)
        closing = Closing(Outcome(book, index, tools, provenance), other)
        self._calls = calls = Calls(book, index, opening, closing, other, Steering(book, index))
        self._sockets = sockets = Sockets(book, calls, opening, closing)
        self._hooks = hooks = ToolHooks(book, index, tools, self.lightener, calls.ask_streams)
        self._handlers = {
            "session.started": self._session_started,
            "session.ended": self._session_ended,
            "redaction.changed": self._redaction_changed,
            "call.started": self._call_started,
            "call.ended": calls.ended,
            "attempt.sent": sockets.sent,
            "attempt.answered": sockets.answered,
            "attempt.ended": sockets.ended,
            "stream.chunk": calls.chunk,
            "tool.started": hooks.started,
            "tool.ended": hooks.ended,
            "annotation": hooks.annotated,
            "socket.opened": sockets.opened,
            "socket.frame": sockets.frame,
            "socket.audio": sockets.audio,
            "socket.sound": sockets.sound,
            "socket.unsent": sockets.unsent,
            "socket.closed": sockets.closed,
        }

    def feed(self, entry: Entry) -> None:
        """Take the next entry; one of an unknown type or without its call is counted, never an error."""
        early, is_first = self._early, entry.get("type") == "session.started"
        if early is not None and not is_first and len(early) < EARLY:
            early.append(entry)
        elif early is not None and is_first:
            self._take(entry)
            self._take_early()
        else:
            self._take_early()
            self._take(entry)

    def _take_early(self) -> None:
        early, self._early = self._early, None
        for entry in early or ():
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        at = entry.get("at")
        if not isinstance(at, int) or not 0 <= at < LATEST:
            self.unknown_entries += 1
            return
        self._hide()
        at = self._moment(entry, at)
        if self._started_at is None or later(at, self._started_at) is not at:
            self._started_at = at
        self._last_at = later(self._last_at, at) if self._last_at else at
        marks = entry.get("redactions")
        if marks and isinstance(marks, list):
            self._audit.take(marks)
            self._marked = self._marked or any(map(_changed_content, marks))
        kind = str(entry.get("type"))
        handler = self._handlers.get(kind)
        # What a damaged line lacks is None to its handler, like all else that is no good.
        if handler is None or handler({**_NOTHING[kind], **entry, "at": at}, at) is False:
            self.unknown_entries += 1
        if self._hooks.early:
            self._hooks.settle(waiting=any(True for _ in self._calls.streaming()))

    def _moment(self, entry: Entry, at: int) -> int:
        """Return the entry's time, with its place on its writer's monotonic clock where it has one."""
        mono = entry.get("mono")
        if not isinstance(mono, int) or not 0 < mono < LATEST:
            return at
        moment = Moment(at)
        writer = str(entry.get("writer"))
        if entry.get("type") == "session.started" and isinstance(clock := entry.get("clock"), str):
            # No writer is called so: a name has no blank in it.
            self._clock_of[writer] = f"clock {clock}"
        moment.steady = mono + self._clocks.setdefault(self._clock_of.get(writer, writer), at - mono)
        return moment

    def _session_started(self, entry: SessionStarted, _at: int) -> None:
        self.begun = True
        session = self._book.session
        if entry["title"] and not self._titled:
            session.title, self._titled = str(entry["title"]), True
        metadata, runtime, policy = entry["metadata"], entry.get("runtime"), entry["redaction"]
        session.metadata = session.metadata or (dict(metadata) if isinstance(metadata, dict) else {})
        session.runtime = session.runtime or (dict(runtime) if isinstance(runtime, dict) else {})
        session.channel = str(entry["channel"] or session.channel)
        self._calls.deltas = self._calls.deltas or bool(entry.get("deltas"))
        if isinstance(policy, dict):
            self._policy(str(policy.get("mode") or "secrets"))
        session.raw = session.raw or bool(entry.get("raw"))
        begun(session, entry.get("replay"))
        self._imported.began(session, entry.get("imported"))
        cap = entry.get("max_payload")
        if isinstance(cap, int) and cap > 0:
            # Of several writers the one that keeps least decides.
            self.lightener.cap = session.redaction.max_payload = min(cap, self.lightener.cap or cap)

    def _policy(self, mode: str) -> None:
        redaction = self._book.session.redaction
        self._modes.setdefault(mode)
        redaction.mode = mode
        if len(self._modes) > 1:
            redaction.modes = [*self._modes]

    def _redaction_changed(self, entry: RedactionChanged, _at: int) -> bool:
        """Say only whether it can be read: the writer's own ``session.started`` tells the policy."""
        return isinstance(entry["mode"], str)

    def _session_ended(self, entry: SessionEnded, at: int) -> None:
        session = self._book.session
        self._calls.session_ended = True
        session.status, session.end_reason = (
            "closed",
            cast("EndReason", str(entry["end_reason"] or "closed")),
        )
        session.ended_at, session.failure = iso(at), failure_in(entry)
        begun(session, entry.get("replay"))
        self._imported.ended(session, entry.get("imported"))
        self._calls.give_up(at)
        self._sockets.give_up(at)
        self._tools.give_up()
        self._hooks.give_up()

    def _call_started(self, entry: CallStarted, at: int) -> None:
        if self._calls.session_ended:
            # One of several writers ended the session before another was done.
            self._calls.session_ended = False
            session = self._book.session
            session.status, session.end_reason, session.ended_at = "active", None, None
            session.failure = None
            self._tools.hope_again()
            self._book.active.update(self._book.by_run)
        self._calls.started(entry, at)

    def session(self) -> Session:
        """Return the session as it stands; the same object each time, brought up to date."""
        if self._early:
            self._take_early()
        session, ended = self._book.session, self._calls.session_ended
        for step, attempt in self._calls.streaming():
            self._in_flight(step, attempt)
        self._sockets.show()
        for step in self._book.changed.values():
            self._finish(step)
        self._book.changed.clear()
        self._shown = [(step, step.payload_completed) for step, _ in self._calls.streaming()]
        for state in self._book.states if ended else self._book.active.values():
            state.run.status = state.status(session_ended=ended)
        self._book.active.clear()
        self._imported.linked(session)
        start = self._started_at or 0
        session.started_at = iso(start)
        session.duration_ms = milliseconds(start, self._last_at)
        session.result = result_of(session) if ended else None
        session.summary = self._totals.summary
        session.summary.runs, session.summary.forks = len(session.runs), self._book.forks
        session.summary.interruptions = self._book.interruptions
        session.summary.redactions = self._audit.by_rule
        session.redaction.marks = sum(session.summary.redactions.values()) + self._cuts.count
        session.redaction.places = self._audit.places
        steps = (step for run in session.runs for step in run.steps)
        session.redaction.sensitivity = sensitivity_of(steps) if ended else {}
        if not self._titled:
            session.title = title_of(session)
        return session

    def _finish(self, step: Step) -> None:
        step.payload_started = self.lightener.lighten(step.payload_started)
        step.payload_completed = self.lightener.lighten(step.payload_completed)
        step.redactions = self._cuts.marks_of(step)
        if self._marked:
            step.redactions += self.lightener.marks_in(step.payload_started, "payload_started")
            step.redactions += self.lightener.marks_in(step.payload_completed, "payload_completed")
        step.sha256 = payload_digest(step)
        self._totals.take(step)

    def _hide(self) -> None:
        """Take away again what was only shown: looking at a session must not change it."""
        for step, payload in self._shown:
            if step.payload_completed is payload:
                step.payload_completed = {}
                self._book.touch(step)
        self._shown.clear()

    def _in_flight(self, step: Step, attempt: AttemptState) -> None:
        """A stream that is still running shows what has come so far."""
        if attempt.stream is None:
            return
        so_far = attempt.stream.response()
        texts = [item.text for item in so_far.outputs if item.kind == "message"]
        step.payload_completed = {"text": "\n\n".join(texts)} if any(texts) else {}
        self._book.touch(step)

    def take_blobs(self) -> list[Blob]:
        """Return the blobs put aside since the last time, for whoever stores them."""
        blobs = list(self.lightener.blobs.values())
        self.lightener.blobs.clear()
        return blobs


_NOTHING = {name: dict.fromkeys(fields.__required_keys__) for name, fields in TYPES.items()}
"""What a line that lacks all of its fields says."""

EARLY = 64
"""Entries that wait for ``session.started``: there are as many as the program's threads wrote at that moment."""

LATEST = 250_000_000_000_000_000
"""Microseconds; a time beyond the year 9000 is no time."""


def _changed_content(mark: object) -> bool:
    """Credentials in headers are kept in no mode; counted, they would make every session look redacted."""
    return isinstance(mark, dict) and not is_of_header(mark.get("rule"))
