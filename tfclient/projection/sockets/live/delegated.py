"""Work that a live session gives away: to the program, to the Responses API, or to be decided.

Of a delegated response, the events come inside events of the session. Its functions are called and answered as
anywhere else.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from attrs import define, field

from tfclient.projection.lineage.book import RunState
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.sockets.answers import ENDINGS
from tfclient.projection.sockets.call_step import call_step
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.live.backend import Backend
from tfclient.projection.sockets.live.spoken import Spoken
from tfclient.projection.sockets.requests import Asked
from tfclient.projection.sockets.sent_items import SentItems
from tfclient.projection.sockets.taken_up import take_up
from tfclient.projection.steps.endings import Closing
from tfclient.projection.wire.response_stream import ResponseStream
from tfstore.document.documents import ErrorInfo, Latency, Step
from tfstore.document.labels import Ending, Status
from tfstore.document.times import iso, milliseconds

_CLEARED = frozenset({"instructions", "tools", "input"})
"""What the server leaves out of its snapshots."""

_APART = frozenset({"instructions", "tools", "model"})


@define(eq=False)
class _Delegation:
    """Work that was given away."""

    step: Step
    run: RunState
    at: int


@define(eq=False)
class _UnderWay:
    """A delegated response that is being made."""

    node: Node
    delegation: Any
    since: int
    begun: int
    stream: ResponseStream = field(factory=ResponseStream)
    events: int = 0
    first_text_at: int | None = None


@define(eq=False)
class Delegated:
    """What one session has given away."""

    conversation: Conversation
    closing: Closing
    spoken: Spoken
    items: SentItems
    backend: Backend
    waiting: deque[Asked] = field(factory=deque[Asked])
    """Requests of the program that no response has answered yet."""
    _delegations: dict[str, _Delegation] = field(factory=dict[str, _Delegation])
    _under_way: list[_UnderWay] = field(factory=list[_UnderWay])
    _last: Node | None = None

    def reopened(self) -> None:
        """A new connection: nobody answers what was asked for over the old one."""
        self.waiting.clear()
        self._last = None

    def asked(self, event: dict[str, Any], at: int) -> None:
        """The program asks for a response, or for one to go on."""
        asked = Asked({}, at, event.get("event_id"))
        self.waiting.append(asked)

        def undo() -> None:
            if asked in self.waiting:
                self.waiting.remove(asked)

        self.conversation.undo = undo

    def created(self, event: dict[str, Any], at: int) -> None:
        """The model gives work away."""
        told = event.get("delegation")
        name = told.get("id") if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(name, str):
            self.conversation.generic(str(event["type"]), event, at)
            return
        if name in self._delegations:
            return
        run = self._here(at)
        payload = {**{k: v for k, v in told.items() if k != "type"}, "offset_ms": event.get("offset_ms")}
        step = self.conversation.opening.book.add(
            run, "generic", f"{self.conversation.prefix}.delegation", at, status="in_progress",
            payload_started=payload,
        )  # fmt: skip
        self._delegations[name] = _Delegation(step, run, at)

    def replied(self, event: dict[str, Any], at: int) -> None:
        """The program tells the model something, maybe what came of the work that it was given."""
        self._of_delegation(self.conversation.generic(str(event["type"]), event, at), event)
        if event["type"] == "session.commentary.append":
            self._is_done(event.get("delegation_id"), at)
            self.spoken.rest(at)

    def decided(self, event: dict[str, Any], at: int) -> None:
        """A decision was made."""
        step = self.conversation.generic(str(event["type"]), event, at)
        inner = event.get("event")
        decision = inner.get("decision") if isinstance(inner, dict) else None
        model = decision.get("model") if isinstance(decision, dict) else None
        step.model = model if isinstance(model, str) else None
        self._of_delegation(step, event)
        self._is_done(event.get("delegation_id"), at)

    def event(self, event: dict[str, Any], at: int) -> None:
        """Something comes of a delegated response."""
        inner, delegation = event.get("event"), event.get("delegation_id")
        kind = inner.get("type") if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or not isinstance(kind, str):
            self.conversation.generic(str(event["type"]), event, at)
            return
        response = inner.get("response")
        name = response.get("id") if isinstance(response, dict) else None
        under_way = self._find(name, delegation)
        if under_way is None and isinstance(response, dict) and isinstance(name, str):
            if name in self.conversation.opening.index.by_response:
                return
            under_way = self._begin(name, delegation, at)
            if kind != "response.created":
                under_way.node.step.notes.append("begin_not_seen")
        if under_way is None:
            self.conversation.generic(str(event["type"]), event, at)
            return
        self._take(under_way, kind, inner, at)

    def over(self, by: str, at: int) -> None:
        """The connection is over, and the work under way with it."""
        ends: dict[str, tuple[Status, Ending, str | None]] = {
            "program": ("cancelled", "left_early", None),
            "unknown": ("failed", "unknown", "the process ended before the response was complete"),
        }
        cut = ("failed", "cut", "the connection ended before the response was complete")
        for each in list(self._under_way):
            status, ending, why = ends.get(by, cut)
            self._close(each, at, status, ending, why)  # type: ignore[arg-type] # as in `ends`
        for delegation in self._delegations.values():
            self._end(delegation, at, "incomplete")

    def _of_delegation(self, step: Step, event: dict[str, Any]) -> None:
        delegation = self._delegations.get(str(event.get("delegation_id")))
        if delegation is not None:
            step.depends_on = [delegation.step.step_id]

    def _find(self, name: Any, delegation: Any) -> _UnderWay | None:
        if isinstance(name, str):
            return next((each for each in self._under_way if each.node.response_id == name), None)
        of_it = [each for each in self._under_way if each.delegation == delegation]
        if not of_it and delegation is None:
            of_it = self._under_way
        return of_it[-1] if of_it else None

    def _here(self, at: int) -> RunState:
        turn = self.spoken.turn
        return turn.run if turn is not None else self.conversation.here(at)

    def _begin(self, name: str, delegation: Any, at: int) -> _UnderWay:
        conversation, by = self.conversation, "server"
        self.spoken.rest(at)
        asked = self.waiting.popleft() if self.waiting else None
        since = at
        if asked is not None:
            since, by = asked.at, "program"
        delegated = self._delegations.get(str(delegation))
        given = Asked({k: v for k, v in self.backend.told.items() if k not in _APART}, since)
        here = None if delegated is None else delegated.run
        taken = take_up(conversation, self.items, given, None, at, here)
        step = call_step(conversation, self.backend, taken, given, by, at, self._last, "live.response")
        node = conversation.begin(step, taken.run, self._last or conversation.last, at, name)
        if delegated is not None and not taken.outputs:
            step.depends_on.append(delegated.step.step_id)
        under_way = _UnderWay(node, delegation, since, at)
        self._under_way.append(under_way)
        return under_way

    def _take(self, under_way: _UnderWay, kind: str, event: dict[str, Any], at: int) -> None:
        stream = under_way.stream
        under_way.events += 1
        stream.take(event)
        if stream.spoke:
            under_way.first_text_at = under_way.first_text_at or at
        if stream.terminal is not None:
            status = stream.response().status
            self._close(under_way, at, status, ENDINGS.get(status, "completed"), None)
        elif stream.error is not None:
            self._close(under_way, at, "failed", "error_event", None)
        elif kind == "response.output_item.done":
            place = event.get("output_index")
            response = stream.response()
            if isinstance(place, int) and response.indexed:
                response.outputs = [each for each in response.outputs if each.index <= place]
                self.closing.outcome.items(under_way.node, response, at)

    def _close(self, under_way: _UnderWay, at: int, status: Status, ending: Ending, why: str | None) -> None:
        self._under_way.remove(under_way)
        node, stream = under_way.node, under_way.stream
        response = stream.response()
        response.id = response.id or node.response_id
        response.model = response.model or self.backend.model
        response.status = status
        response.rest = {k: v for k, v in response.rest.items() if k not in _CLEARED}
        if why is not None:
            response.error = response.error or ErrorInfo("transport", why)
        self.closing.outcome.close(node, response, at, ending)
        latency = Latency(total_ms=milliseconds(under_way.since, at), events=under_way.events)
        latency.first_event_ms = milliseconds(under_way.since, under_way.begun)
        if under_way.first_text_at is not None:
            latency.first_text_ms = milliseconds(under_way.since, under_way.first_text_at)
        node.step.latency = latency
        if stream.strange:
            node.step.payload_completed["other_events"] = stream.strange
        self._last = self.conversation.last = node
        node.run.run.status = node.run.status(session_ended=False)
        if not stream.asks:
            self._is_done(under_way.delegation, at)

    def _is_done(self, delegation: Any, at: int) -> None:
        known = self._delegations.get(str(delegation))
        if known is not None:
            self._end(known, at, "completed")

    def _end(self, delegation: _Delegation, at: int, status: Status) -> None:
        step = delegation.step
        if step.status == "in_progress":
            step.status, step.ended_at = status, iso(at)
            step.duration_ms = milliseconds(delegation.at, at)
            self.conversation.touch(step)
