"""Which response a request continues, from traffic alone.

Every response is a node that knows the fingerprint chain of its whole context: all inputs and outputs up to its
last output. A request that re-sends its history is matched by folding its items into the same chain and looking
the results up, longest first, so the cost is that of the request's own items, never of the session.
"""

from __future__ import annotations

from collections import defaultdict

from attrs import define, field

from tfclient.projection.api.fingerprints import (
    call_fingerprint,
    digest,
    output_fingerprint,
    words_of,
)
from tfclient.projection.api.items import Item
from tfclient.projection.api.model_call import ModelRequest
from tfclient.projection.lineage.known_items import KnownItems
from tfclient.projection.lineage.newest_known import LONG_OUTPUT, NewestKnown, Sent, written_anew
from tfclient.projection.lineage.nodes import CallRecord, Conversation, Match, Node

EMPTY = b""
"""The context before anything was said."""

SAME_CALL_ID = 64
"""Calls remembered under one id or, where there is none, one name."""


@define
class LineageIndex:
    """All that is known of a session's contexts."""

    known: KnownItems
    nodes: int = 0
    by_response: dict[str, Node] = field(factory=dict[str, Node])
    conversations: dict[str, Conversation] = field(factory=dict[str, Conversation])
    _calls: dict[str, list[CallRecord]] = field(factory=lambda: defaultdict(list))
    _by_context: dict[bytes, list[Node]] = field(factory=lambda: defaultdict(list))
    _by_input: dict[bytes, list[Node]] = field(factory=lambda: defaultdict(list))
    _by_answer: dict[bytes, Node] = field(factory=dict[bytes, Node])
    _asked: dict[bytes, list[CallRecord]] = field(factory=lambda: defaultdict(list))
    """Calls by the context before the answer that asked for them, their name and their arguments."""
    _newest: NewestKnown = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Let the newest known item be looked for among the calls as well."""
        self._newest = NewestKnown(self._calls)

    def fold(self, context: bytes, items: list[Item]) -> list[bytes]:
        """Return the context after each item; an item that does not count leaves it as it was."""
        chain: list[bytes] = []
        for item in items:
            fingerprint = self.fingerprint(item)
            if fingerprint is not None:
                context = digest(context, fingerprint)
            chain.append(context)
        return chain

    def chain_of(self, request: ModelRequest) -> list[bytes]:
        """Return the contexts of a request's items when nothing came before them."""
        known = request.known_chain
        if len(known) < len(request.items):
            known = [*known, *self.fold(known[-1] if known else EMPTY, request.items[len(known) :])]
            request.known_chain = known
        return known

    def fingerprint(self, item: Item) -> bytes | None:
        """Return an item's fingerprint; a reference has that of the item it names."""
        return self.known.fingerprint(item) if item.kind in {"reference", "compaction"} else item.fingerprint

    def record(self, node: Node, outputs: list[Item]) -> None:
        """Take in a node's outputs: from now on requests can be found to continue it."""
        counted = [(item, f) for item in outputs if (f := self.fingerprint(item)) is not None]
        node.prints = [f for _, f in counted]
        node.answers = []
        node.call_ids = frozenset(item.call_id for item in outputs if item.kind == "call" and item.call_id)
        for choice in sorted({item.choice for item in outputs}) or [0]:
            chosen = [item for item in outputs if item.choice == choice]
            chain = self.fold(node.before, chosen)
            # A response that said nothing is no context: the same request again is another try, not a reply.
            self._context(node, chain[-1] if chain else node.before, found_by=bool(counted))
            said = [f for item in chosen if (f := self.fingerprint(item)) is not None]
            if said and said not in node.answers:
                node.answers.append(said)
        self._newest.record(node)
        if node.before != EMPTY and node not in self._by_input[node.before][-1:]:
            self._by_input[node.before].append(node)
        for item in outputs:
            if item.kind == "approval_request" and item.item_id:
                self._newest.approvals[item.item_id] = node
            if item.kind == "message" and len(item.text) >= LONG_OUTPUT and item.fingerprint is not None:
                self._by_answer[words_of(item.text)] = node
        compacted = [n for n, item in enumerate(outputs) if item.kind == "compaction"]
        if compacted:
            self._context(node, self.fold(EMPTY, outputs[compacted[-1] :])[-1], found_by=True)

    def _context(self, node: Node, context: bytes, *, found_by: bool) -> None:
        if context in node.contexts:
            return
        node.contexts.append(context)
        if found_by and context != EMPTY:
            self._by_context[context].append(node)

    def conversation_began(self, conversation_id: str | None, node: Node) -> None:
        """Note that a call of a conversation is under way."""
        if conversation_id is not None:
            self.conversations.setdefault(conversation_id, Conversation()).begin(node.number)

    def conversation_ended(self, conversation_id: str | None, node: Node) -> None:
        """Note that a call of a conversation was answered: the next one continues it."""
        if conversation_id is not None:
            self.conversations.setdefault(conversation_id, Conversation()).end(node)

    def resolve(self, request: ModelRequest) -> Match:
        """Find what the request continues, best evidence first."""
        if request.previous_response_id is not None:
            node = self.by_response.get(request.previous_response_id)
            if node is None:
                return Match(None, "previous_response_id", unknown_response_id=request.previous_response_id)
            return Match(node, "previous_response_id")
        conversation = self.conversations.get(request.conversation_id or "")
        if conversation is not None and conversation.latest is not None:
            notes = ["ambiguous"] if conversation.overlapped else []
            return Match(conversation.latest, "conversation", notes=notes)
        self._rename_calls(request.items)
        prefix = self._by_prefix(request.items, self.chain_of(request))
        if prefix.start == len(request.items):
            return prefix
        sent = Sent(request.items, self.fingerprint)
        return self._newest.find(sent, prefix, self._resent(request, prefix))

    def _rename_calls(self, items: list[Item]) -> None:
        """Give calls that come back under new ids those that they had.

        A call of the same name and arguments, asked for behind the same context, is the same call.
        """
        if not any(
            item.kind == "call" and item.call_id and item.call_id not in self._calls for item in items
        ):
            return
        context = before = EMPTY
        within, renamed = False, dict[str, CallRecord]()
        for item in items:
            answers = item.kind in {"call", "reasoning"} or item.role == "assistant"
            if answers and not within:
                before = context
            within = answers or (within and item.kind == "policy")
            if item.kind == "call" and item.call_id and item.call_id not in self._calls:
                record = self._same_call(before, item, renamed)
                if record is not None:
                    renamed[item.call_id] = record
            if item.kind in {"call", "output"} and item.call_id in renamed:
                self._rename(item, renamed[item.call_id])
            fingerprint = self.fingerprint(item)
            context = context if fingerprint is None else digest(context, fingerprint)

    def _same_call(self, before: bytes, item: Item, taken: dict[str, CallRecord]) -> CallRecord | None:
        records = self._asked.get(_asked_for(before, item), [])
        others = list(taken.values())
        return next((r for r in records if r.node is records[-1].node and r not in others), None)

    def _rename(self, item: Item, record: CallRecord) -> None:
        if not record.step.call_id:
            # The server gave it none; whoever sends it back made one.
            new = str(item.call_id)
            if record not in self._calls[new]:
                self._calls[new].append(record)
            if record.node is not None:
                record.node.call_ids |= {new}
            return
        item.call_id = record.step.call_id
        if item.kind == "call":
            item.fingerprint = call_fingerprint(item.call_id, item.name, item.arguments)
        else:
            item.fingerprint = output_fingerprint(item.call_id, item.output)

    def _resent(self, request: ModelRequest, prefix: Match) -> dict[int, Match]:
        """All that a call sent comes again, then an answer that is not the one it got: it was written anew."""
        items, chain = request.items, self.chain_of(request)
        found: dict[int, Match] = {}
        for place in range(len(items) - 2, prefix.start - 1, -1):
            if self.fingerprint(items[place]) is None or items[place + 1].role != "assistant":
                continue
            nodes = self._by_input.get(chain[place])
            if nodes:
                notes = ["ambiguous"] if nodes[0].run is not nodes[-1].run else []
                found[place] = written_anew(items, place, nodes[-1], notes)
                break
        return found

    def relayed(self, prompt: Item) -> Node | None:
        """Return the response whose answer is this prompt, word for word."""
        return self._by_answer.get(words_of(prompt.text)) if len(prompt.text) >= LONG_OUTPUT else None

    def _by_prefix(self, items: list[Item], chain: list[bytes]) -> Match:
        for place in range(len(chain) - 1, -1, -1):
            if self.fingerprint(items[place]) is None:
                continue
            nodes = self._by_context.get(chain[place])
            if nodes:
                ambiguous = nodes[0].run is not nodes[-1].run
                notes = ["ambiguous"] if ambiguous else []
                return Match(nodes[-1], "prefix", place + 1, place + 1, notes)
        return Match(None, "root")

    def add_call(self, key: str, record: CallRecord, item: Item | None = None) -> None:
        """Remember a tool call under its id or, where it has none, its name; and what was asked, where it was seen."""
        if item is not None and record.node is not None:
            self._asked[_asked_for(record.node.before, item)].append(record)
        records = self._calls[key]
        records.append(record)
        if len(records) > SAME_CALL_ID:
            del records[0]

    def find_call(self, call_id: str | None, parent: Node | None) -> CallRecord | None:
        """Return the call with this id: one of the parent's, else the latest still open, else the latest."""
        records = self._calls.get(call_id) if call_id else None
        if not records:
            return None
        if parent is not None:
            for record in reversed(records):
                if record.node is parent:
                    return record
        return next((r for r in reversed(records) if not r.answers), records[-1])

    def call_of(self, key: str, step_id: str) -> CallRecord | None:
        """Return the call that has this step."""
        return next((r for r in reversed(self._calls.get(key, [])) if r.step.step_id == step_id), None)


def _asked_for(before: bytes, item: Item) -> bytes:
    return digest(before, call_fingerprint(None, item.name, item.arguments))
