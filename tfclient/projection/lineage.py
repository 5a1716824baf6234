"""Which response a request continues, from traffic alone.

Every response is a node that knows the fingerprint chain of its whole context: all inputs and outputs up to its
last output. A request that re-sends its history is matched by folding its items into the same chain and looking
the results up, longest first, so the cost is that of the request's own items, never of the session.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import define, field

from tfclient.projection.items import Item, digest

if TYPE_CHECKING:
    from tfclient.projection.model_call import ModelRequest
    from tfclient.projection.run_state import RunState
    from tfstore.documents import Step

EMPTY = b""
"""The context before anything was said."""

LONG_OUTPUT = 20
"""Characters from which a verbatim answer alone ties a trimmed history to its response."""


@define(eq=False)
class Node:
    """One response: the call that made it, its place in the conversation, and what it added to the context."""

    number: int
    step: Step
    run: RunState
    parent: Node | None
    before: bytes
    response_id: str | None = None
    contexts: list[bytes] = field(factory=list[bytes])
    outputs: list[Item] = field(factory=list[Item])
    children: int = 0
    last_step_id: str | None = None
    last_message_id: str | None = None

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
    source: str
    start: int = 0
    known_from: int = 0
    notes: list[str] = field(factory=list[str])
    unknown_response_id: str | None = None


@define
class CallRecord:
    """A tool call and what became of it; ``answers`` maps an output's digest to its step."""

    step: Step
    run: RunState
    node: Node | None
    by_caller: bool
    answers: dict[bytes, Step] = field(factory=dict[bytes, "Step"])
    error_step: Step | None = None
    measured: bool = False


@define
class LineageIndex:
    """All that is known of a session's contexts."""

    nodes: int = 0
    by_response: dict[str, Node] = field(factory=dict[str, Node])
    by_conversation: dict[str, Node] = field(factory=dict[str, Node])
    by_item: dict[str, Item] = field(factory=dict[str, Item])
    calls: dict[str, list[CallRecord]] = field(factory=lambda: defaultdict(list))
    _by_context: dict[bytes, list[Node]] = field(factory=lambda: defaultdict(list))
    _by_last_output: dict[bytes, list[Node]] = field(factory=lambda: defaultdict(list))

    def fold(self, context: bytes, items: list[Item]) -> list[bytes]:
        """Return the context after each item; an item that does not count leaves it as it was."""
        chain: list[bytes] = []
        for item in items:
            fingerprint = self.fingerprint(item)
            if fingerprint is not None:
                context = digest(context, fingerprint)
            chain.append(context)
        return chain

    def fingerprint(self, item: Item) -> bytes | None:
        """Return an item's fingerprint; a reference has that of the item it names."""
        if item.kind == "reference" and item.item_id in self.by_item:
            return self.by_item[item.item_id].fingerprint
        return item.fingerprint

    def record(self, node: Node) -> None:
        """Take in a node's outputs: from now on requests can be found to continue it."""
        for choice in sorted({item.choice for item in node.outputs}) or [0]:
            outputs = [item for item in node.outputs if item.choice == choice]
            chain = self.fold(node.before, outputs)
            context = chain[-1] if chain else node.before
            if context in node.contexts or context == EMPTY:
                continue
            node.contexts.append(context)
            self._by_context[context].append(node)
            last = next((f for i in reversed(outputs) if (f := self.fingerprint(i)) is not None), None)
            if last is not None:
                self._by_last_output[last].append(node)
        for item in node.outputs:
            if item.item_id:
                self.by_item[item.item_id] = item

    def resolve(self, request: ModelRequest) -> Match:
        """Find what the request continues, best evidence first."""
        if request.previous_response_id is not None:
            node = self.by_response.get(request.previous_response_id)
            if node is None:
                return Match(None, "previous_response_id", unknown_response_id=request.previous_response_id)
            return Match(node, "previous_response_id")
        if request.conversation_id is not None and request.conversation_id in self.by_conversation:
            return Match(self.by_conversation[request.conversation_id], "conversation")
        match = self._by_prefix(request.items)
        deeper = self._by_call_id(request.items, match)
        if deeper is not None:
            return deeper
        if match.parent is not None:
            return match
        return self._by_window(request.items)

    def _by_prefix(self, items: list[Item]) -> Match:
        chain = self.fold(EMPTY, items)
        for place in range(len(chain) - 1, -1, -1):
            if self.fingerprint(items[place]) is None:
                continue
            nodes = self._by_context.get(chain[place])
            if nodes:
                ambiguous = len({node.run.run.run_id for node in nodes}) > 1
                notes = ["ambiguous"] if ambiguous else []
                return Match(nodes[-1], "prefix", place + 1, place + 1, notes)
        return Match(None, "root")

    def _by_call_id(self, items: list[Item], prefix: Match) -> Match | None:
        """Callers drop the text beside a call or put each output next to its call: the call ids still tell."""
        for place in range(len(items) - 1, prefix.start - 1, -1):
            item = items[place]
            if item.kind not in {"call", "output"} or not item.call_id:
                continue
            record = self.find_call(item.call_id, None)
            node = record.node if record else None
            if node is None or node is prefix.parent or not node.descends_from(prefix.parent):
                continue
            own = {i.call_id for i in node.outputs if i.kind == "call"}
            calls = [
                n for n, i in enumerate(items) if n >= prefix.start and i.kind == "call" and i.call_id in own
            ]
            outputs = [
                n
                for n, i in enumerate(items)
                if n >= prefix.start and i.kind == "output" and i.call_id in own
            ]
            start = calls[-1] + 1 if calls else outputs[0]
            known_from = min([*calls[:1], *outputs[:1]])
            return Match(node, "call_id", start, known_from, prefix.notes)
        return None

    def _by_window(self, items: list[Item]) -> Match:
        notes: list[str] = []
        for place in range(len(items) - 1, -1, -1):
            fingerprint = self.fingerprint(items[place])
            if fingerprint is None or items[place].role == "user":
                continue
            for node in reversed(self._by_last_output.get(fingerprint, [])):
                matched = self._verbatim(items, place, node)
                if matched >= 2 or (matched == 1 and len(items[place].text) >= LONG_OUTPUT):
                    return Match(node, "window", place + 1, place + 1)
                if matched and not notes:
                    notes = [f"possible_parent:{node.response_id}"]
        return Match(None, "root", notes=notes)

    def _verbatim(self, items: list[Item], place: int, node: Node) -> int:
        wanted = [f for i in node.outputs if (f := self.fingerprint(i)) is not None]
        found = [f for i in items[: place + 1] if (f := self.fingerprint(i)) is not None][-len(wanted) :]
        return len(wanted) if wanted == found else 0

    def find_call(self, call_id: str | None, parent: Node | None) -> CallRecord | None:
        """Return the call with this id: one of the parent's, else the latest still open, else the latest."""
        records = self.calls.get(call_id or "") if call_id else None
        if not records:
            return None
        if parent is not None:
            for record in reversed(records):
                if record.node is parent:
                    return record
        return next((r for r in reversed(records) if not r.answers), records[-1])
