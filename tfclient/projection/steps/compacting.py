"""``responses.compact``: a context made smaller, which the next request continues from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfclient.projection.api.encrypted import sealed
from tfclient.projection.api.items import from_responses
from tfclient.projection.api.responses import read_request
from tfclient.projection.lineage.lineage_index import EMPTY, LineageIndex
from tfclient.projection.lineage.nodes import Node

if TYPE_CHECKING:
    from tfclient.projection.lineage.book import Book, RunState
    from tfclient.projection.steps.call_state import Call
    from tfclient.projection.steps.provenance import Provenance
    from tfstore.document.documents import Lineage, Step
    from tfstore.document.labels import Label


@define
class Compacting:
    """Ties a compaction to the context that it came of, and to what comes of it."""

    book: Book
    index: LineageIndex
    provenance: Provenance
    _parents: dict[str, Node] = field(factory=dict[str, Node])

    def begin(
        self, call: Call, body: dict[str, Any], payload: dict[str, Any], lineage: Lineage
    ) -> RunState | None:
        """Put the request into the step's payload, history by reference; return the run that it continues."""
        request = read_request(body, self.provenance.sent, "openai.responses.compact")
        match = self.index.resolve(request)
        payload |= {"model": request.model, "arguments": request.arguments}
        if request.previous_response_id is not None:
            payload["previous_response_id"] = request.previous_response_id
        if request.policies and request.policies[0].place is None:
            payload["instructions"] = request.policies[0].raw
        if request.tools:
            payload["tools"] = request.tools
        parts = self.provenance.parts(request, 0, len(request.raws), {}, {})
        if request.previous_response_id is not None:
            kept = {"type": "response", "response_id": request.previous_response_id}
            parts.insert(0, kept | ({"step_id": match.parent.step.step_id} if match.parent else {}))
        payload["prompt_provenance"] = {"parts": parts} | request.shape_sent
        if match.parent is None:
            lineage.parent_response_id = match.unknown_response_id
            return None
        lineage.parent_response_id, lineage.parent_step_id = (
            match.parent.response_id,
            match.parent.step.step_id,
        )
        lineage.source = match.source
        self._parents[call.id] = match.parent
        payload["inherits"] = {"step_id": match.parent.step.step_id, "items": match.start}
        return match.parent.run

    def end(self, call: Call, step: Step, run: RunState, body: dict[str, Any], at: int) -> None:
        """Add the steps of what the context became."""
        self.index.nodes += 1
        identity = body.get("id")
        node = Node(self.index.nodes, step, run, self._parents.pop(call.id, None), EMPTY, call.started_at)
        node.response_id = step.response_id = identity if isinstance(identity, str) else None
        if isinstance(step.payload_completed.get("body"), dict):
            rest = {k: v for k, v in step.payload_completed["body"].items() if k != "output"}
            step.payload_completed["body"] = rest
        outputs = body.get("output")
        items = [from_responses(raw, n) for n, raw in enumerate(outputs if isinstance(outputs, list) else [])]
        for place, item in enumerate(items):
            label: Label = "context_compacted" if item.kind == "compaction" else "generic"
            payload = {k: v for k, v in sealed(item.raw).items() if k not in {"type", "id"}}
            made = self.book.add(run, label, f"responses.{item.type}", at, payload_completed=payload)
            made.depends_on, made.item_id = [step.step_id], item.item_id
            made.response_id, made.output_index = node.response_id, place
            self.provenance.known.add(item, made)
            node.places[place] = made
            node.last_step_id = node.last_message_id = made.step_id
        self.index.record(node, items)
        if node.response_id:
            self.index.by_response[node.response_id] = node
