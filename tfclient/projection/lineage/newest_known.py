"""Histories that were cut, summarised or written anew: the newest item in them that is known decides.

A history that comes whole is found by its context (``LineageIndex``). What is left of one is found by what it says:
each answer and each prompt is remembered, and from where it stands in a request the items are compared back along
the conversation that it belongs to. Of several that say the same, the one with most in common is meant.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable

from attrs import define, field

from tfclient.projection.api.fingerprints import digest
from tfclient.projection.api.items import Item
from tfclient.projection.lineage.nodes import CallRecord, Match, Node

LONG_OUTPUT = 20
"""Characters from which a verbatim answer alone ties a trimmed history to its response."""

ALIKE = 64
"""Responses compared that said, or were asked, the same."""


@define
class Sent:
    """The items of a request; those that count, with their places, are gathered when they are first asked for."""

    items: list[Item]
    fingerprint: Callable[[Item], bytes | None]
    _prints: list[bytes] = field(factory=list[bytes])
    _places: list[int] | None = None

    @property
    def prints(self) -> list[bytes]:
        """The fingerprints of the items that count."""
        self.before(0)
        return self._prints

    def before(self, place: int) -> int:
        """Return how many items that count stand before a place."""
        if self._places is None:
            self._places = []
            for n, item in enumerate(self.items):
                fingerprint = self.fingerprint(item)
                if fingerprint is not None:
                    self._places.append(n)
                    self._prints.append(fingerprint)
        return bisect_left(self._places, place)

    def asked(self, place: int) -> list[bytes]:
        """Return the fingerprints of what the model was asked, up to a place and with it."""
        counted = zip(self.prints[: self.before(place + 1)], self._places or (), strict=False)
        return [f for f, n in counted if is_asked(self.items[n])]


@define
class NewestKnown:
    """Remembers responses by their last output and their last input, and finds them in what is left of a history."""

    calls: dict[str, list[CallRecord]]
    approvals: dict[str, Node] = field(factory=dict[str, Node])
    """Responses that asked for an approval, by its id."""
    _by_output: dict[bytes, list[Node]] = field(factory=lambda: defaultdict(list))
    _by_input: dict[bytes | None, list[Node]] = field(factory=lambda: defaultdict(list))

    def record(self, node: Node) -> None:
        """Take in a response that was answered."""
        for said in node.answers:
            _remember(self._by_output[said[-1]], node)
        if node.asked:
            _remember(self._by_input[node.asked[-1]], node)

    def find(self, sent: Sent, prefix: Match, resent: dict[int, Match]) -> Match:
        """Return what the newest known item past the prefix says that the request continues, else the prefix.

        ``resent`` are the places at which all that a call sent comes again, its answer written anew.
        """
        doubtful: list[Match] = []
        for place in range(len(sent.items) - 1, prefix.start - 1, -1):
            found = (
                self._by_call_id(sent, place, prefix)
                or self._by_approval(sent, place, prefix)
                or self._by_answer(sent, place, prefix, doubtful)
                or resent.get(place)
                or self._by_prompts(sent, place, prefix)
            )
            if found is None:
                continue
            # A newer answer that proves nothing by itself does, where what else is known led to it.
            if found.source == "call_id" or (prefix.parent is None and found.source == "window"):
                return next((m for m in doubtful if m.parent and m.parent.descends_from(found.parent)), found)
            return found
        if prefix.parent is None and doubtful and doubtful[0].parent is not None:
            return Match(None, "root", notes=[f"possible_parent:{doubtful[0].parent.response_id}"])
        return prefix

    def _by_call_id(self, sent: Sent, place: int, prefix: Match) -> Match | None:
        """Callers drop the text beside a call or put each output next to its call: the call ids still tell."""
        items, item = sent.items, sent.items[place]
        if item.kind not in {"call", "output"} or not item.call_id:
            return None
        node = self._asker(sent, item.call_id)
        if node is None or node is prefix.parent or not node.descends_from(prefix.parent):
            return None
        later = range(prefix.start, len(items))
        calls = [n for n in later if items[n].kind == "call" and items[n].call_id in node.call_ids]
        outputs = [n for n in later if items[n].kind == "output" and items[n].call_id in node.call_ids]
        if not calls and not outputs:
            return None
        start = calls[-1] + 1 if calls else outputs[0]
        return Match(node, "call_id", start, min([*calls[:1], *outputs[:1]]), prefix.notes)

    def _by_approval(self, sent: Sent, place: int, prefix: Match) -> Match | None:
        """An approval that is asked for, or given, names the response that asked for it."""
        item = sent.items[place]
        wanted = item.item_id if item.kind == "approval_request" else item.raw.get("approval_request_id")
        if item.kind not in {"approval_request", "approval_response"} or not isinstance(wanted, str):
            return None
        node = self.approvals.get(wanted)
        if node is None or not node.descends_from(prefix.parent):
            return None
        asked = [n for n in range(prefix.start, len(sent.items)) if sent.items[n].kind == "approval_request"]
        start = asked[-1] + 1 if asked else place
        source = prefix.source if node is prefix.parent else "call_id"
        return Match(node, source, start, start, prefix.notes)

    def _asker(self, sent: Sent, call_id: str) -> Node | None:
        """Return the response that made a call: where ids repeat, that of this conversation, else the latest."""
        records = self.calls.get(call_id, [])
        if len(records) < 2:
            return records[0].node if records else None
        asked = [n for n, item in enumerate(sent.items) if item.kind == "call" and item.call_id == call_id]
        seen = sent.prints[: sent.before(asked[-1] + 1)] if asked else []
        ranked = [(_in_common(seen, r.node), not r.answers, n) for n, r in enumerate(records)]
        return records[max(ranked)[2]].node

    def _by_answer(self, sent: Sent, place: int, prefix: Match, doubtful: list[Match]) -> Match | None:
        """An answer that occurs verbatim; one that says too little by itself is put with the doubtful."""
        fingerprint = sent.fingerprint(sent.items[place])
        if sent.items[place].role == "user" or fingerprint is None or fingerprint not in self._by_output:
            return None
        seen = sent.prints[: sent.before(place + 1)]
        ranked = [
            (_in_common(seen, node), n, node)
            for n, node in enumerate(self._by_output[fingerprint][-ALIKE:])
            if node.descends_from(prefix.parent) and node is not prefix.parent
        ]
        if not ranked:
            return None
        matched, _, node = max(ranked, key=lambda row: row[:2])
        match = Match(node, "window", place + 1, place + 1)
        match.notes = (
            ["ambiguous"] if any(r[0] == matched and r[2].run is not node.run for r in ranked) else []
        )
        left = len(seen) - matched - sent.before(prefix.start)
        gone = node.length - matched - (prefix.parent.length if prefix.parent is not None else 0)
        if left and left == gone:
            # As many items stand there as stood there: nothing was cut, something was changed.
            match.altered = digest(*seen[: len(seen) - matched])
        is_long = len(sent.items[place].text) >= LONG_OUTPUT
        proven = matched > 1 or (is_long and (prefix.parent is None or not left))
        if not proven and prefix.parent is None:
            # Its own prompt stands before it, with calls between them that came back in another form, or not at all.
            proven = _asked_in_common(sent.asked(place), node) > 0
        if not proven or (prefix.parent is not None and match.altered):
            doubtful.append(match)
            return None
        return match

    def _by_prompts(self, sent: Sent, place: int, prefix: Match) -> Match | None:
        """Two prompts that followed each other, with answers that are not those that they got."""
        items = sent.items
        if prefix.parent is not None or place + 1 >= len(items) or items[place + 1].role != "assistant":
            return None
        fingerprint = sent.fingerprint(items[place])
        if fingerprint not in self._by_input or not is_asked(items[place]):
            return None
        alike = self._by_input[fingerprint][-ALIKE:]
        asked = sent.asked(place)
        ranked = [(_asked_in_common(asked, node), n) for n, node in enumerate(alike)]
        matched, best = max(ranked)
        if matched < 2:
            return None
        ambiguous = any(r[0] == matched and alike[r[1]].run is not alike[best].run for r in ranked)
        return written_anew(items, place, alike[best], ["ambiguous"] if ambiguous else [])


def is_asked(item: Item) -> bool:
    """Return whether an item is a prompt, or the output of a call that the program answers."""
    return (item.kind == "message" and item.role != "assistant") or (
        item.kind == "output" and bool(item.call_id)
    )


def written_anew(items: list[Item], place: int, node: Node, notes: list[str]) -> Match:
    """Return the match of a call whose input ends at a place, and whose answer stands after it in other words."""
    start = place + 1
    while start < len(items) and items[start].role == "assistant":
        start += 1
    return Match(node, "resent", start, start, notes)


def _remember(nodes: list[Node], node: Node) -> None:
    if node not in nodes[-1:]:
        nodes.append(node)


def _in_common(prints: list[bytes], node: Node | None) -> int:
    """Count the items, from the last back, that are what the model had seen and said by then."""
    matched = 0
    while node is not None:
        left = len(prints) - matched
        said = next((a for a in node.answers if prints[max(0, left - len(a)) : left] == a), node.prints)
        for wanted in (said, node.inputs):
            for fingerprint in reversed(wanted):
                if matched == len(prints) or prints[-1 - matched] != fingerprint:
                    return matched
                matched += 1
        node = node.parent
    return matched


def _asked_in_common(asked: list[bytes], node: Node | None) -> int:
    matched = 0
    while node is not None:
        for fingerprint in reversed(node.asked):
            if matched == len(asked) or asked[-1 - matched] != fingerprint:
                return matched
            matched += 1
        node = node.parent
    return matched
