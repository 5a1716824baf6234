"""What lineage is made of: responses as nodes, tool calls, conversations, and the match of a request."""

from __future__ import annotations

from attrs import define, field

from tfclient.projection.api.items import Item
from tfclient.projection.lineage.book import RunState
from tfstore.document.documents import Step
from tfstore.document.labels import LineageSource


@define(eq=False)
class Node:
    """One response: the call that made it, its place in the conversation, and what it added to the context."""

    number: int
    step: Step
    run: RunState
    parent: Node | None
    before: bytes
    started_at: int = 0
    response_id: str | None = None
    contexts: list[bytes] = field(factory=list[bytes])
    prints: list[bytes] = field(factory=list[bytes])
    """Fingerprints of its outputs, those that count."""
    answers: list[list[bytes]] = field(factory=list[list[bytes]])
    """The same by choice: what each offered, where it said anything."""
    inputs: list[bytes] = field(factory=list[bytes])
    """Fingerprints of what its request added to the parent's context."""
    asked: list[bytes] = field(factory=list[bytes])
    """Of those, the prompts and the outputs of tools."""
    call_ids: frozenset[str] = frozenset()
    forced: frozenset[str] = frozenset()
    """Tools that it was told to call."""
    children: int = 0
    places: dict[int, Step] = field(factory=dict[int, "Step"])
    """The steps of its output items, by ``output_index``."""
    messages: dict[bytes, str] = field(factory=dict[bytes, str])
    last_step_id: str | None = None
    last_message_id: str | None = None

    given: int = 0
    """How many items that count came before its answer, along the conversation."""

    @property
    def length(self) -> int:
        """How many items that count its whole context has, as far as they were recorded."""
        return self.given + len(self.answers[0] if self.answers else self.prints)

    def answer_of(self, items: list[Item]) -> str | None:
        """Return the step of the message that was sent back to continue, where several were offered."""
        if len(self.messages) > 1:
            for item in reversed(items):
                if item.fingerprint in self.messages:
                    return self.messages[item.fingerprint]
        return self.last_message_id

    def descends_from(self, other: Node | None) -> bool:
        """Return whether this node is downstream of the other (every node is downstream of nothing)."""
        node: Node | None = self
        while node is not None and other is not None and node.number > other.number:
            node = node.parent
        return other is None or node is other


@define
class Match:
    """The parent of a request, the evidence, and where in the request's items the news begins."""

    parent: Node | None
    source: LineageSource
    start: int = 0
    known_from: int = 0
    notes: list[str] = field(factory=list[str])
    unknown_response_id: str | None = None
    altered: bytes = b""
    """Digest of what stands before the evidence and is not what was said there."""


@define
class CallRecord:
    """A tool call and what became of it; ``answers`` maps an output's digest to its step."""

    step: Step
    run: RunState
    node: Node | None
    by_caller: bool
    opened_at: int = 0
    answers: dict[bytes, Step] = field(factory=dict[bytes, "Step"])
    error_step: Step | None = None
    measured: bool = False
    evidence: str | None = None
    """What shows that it failed, where the record says so and not its output."""
    nested: list[RunState] = field(factory=list["RunState"])
    """Runs that traffic alone says are inside it."""


@define
class Conversation:
    """A conversation that the server keeps: its latest response, and whether calls of it ran at once."""

    latest: Node | None = None
    overlapped: bool = False
    _running: set[int] = field(factory=set[int])

    def begin(self, number: int) -> None:
        """A call of it was sent."""
        self.overlapped = bool(self._running)
        self._running.add(number)

    def end(self, node: Node) -> None:
        """A call of it was answered, or given up."""
        self._running.discard(node.number)
        if node.response_id is not None:
            self.latest = node
