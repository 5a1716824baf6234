"""One logical call put together again from its entries: its attempts, its request, what it became."""

from __future__ import annotations

from attrs import define, field

from tfclient.projection.lineage.book import RunState
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.wire.attempt import AttemptState
from tfclient.projection.wire.endpoints import Endpoint
from tfstore.document.documents import Latency, Step
from tfstore.document.times import milliseconds
from tfstore.journal.entries import CallStarted


@define(eq=False)
class Call:
    """A logical call: what the program asked for once, however many HTTP attempts it took."""

    id: str
    started: CallStarted
    endpoint: Endpoint = field(factory=Endpoint)
    attempts: list[AttemptState] = field(factory=list["AttemptState"])
    run: RunState | None = None
    step: Step | None = None
    node: Node | None = None
    closed: bool = False
    model_from_url: bool = False

    @property
    def attempt(self) -> AttemptState:
        """The latest attempt."""
        return self.attempts[-1]

    @property
    def is_imported(self) -> bool:
        """Whether an agent's own log told of it: no request was seen, and nobody knows what went over the wire."""
        return isinstance(self.started.get("imported"), str)

    @property
    def started_at(self) -> int:
        """When the call began, microseconds since the epoch."""
        return self.started["at"]

    def show_attempts(self, step: Step) -> None:
        """Put the rows of the HTTP attempts into the call's step; a log tells of none."""
        if self.is_imported:
            return
        step.attempts = [attempt.row() for attempt in self.attempts]
        step.retries = len(step.attempts) - 1 or None

    def latency(self, end: int) -> Latency:
        """Return the latencies of a call that ended at ``end``."""
        first, last = self.attempts[0], self.attempts[-1]
        latency = Latency(total_ms=milliseconds(first.sent_at, end))
        latency.provider_ms = _whole(last.headers.get("openai-processing-ms"))
        if last.first_event_at is not None:
            latency.first_event_ms = milliseconds(last.sent_at, last.first_event_at)
        if last.first_text_at is not None:
            latency.first_text_ms = milliseconds(last.sent_at, last.first_text_at)
        if last.largest_gap is not None:
            latency.largest_gap_ms = last.largest_gap // 1000
        if last.stream is not None:
            latency.events = last.stream.events
        return latency

    def settle(self) -> None:
        """Let go of bodies and streams: the steps hold what was in them."""
        for attempt in self.attempts:
            if not attempt.settled:
                attempt.settle()


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None
