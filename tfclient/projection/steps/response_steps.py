"""A response becomes steps: the ``assistant_call`` is filled in, and each output item has its own step.

An item's identity is its response and its ``output_index``: seeing a response again (retrieved, polled, streamed
anew) updates those steps and adds none.
"""

from __future__ import annotations

from typing import Any

from attrs import define

from tfclient.projection.api.encrypted import sealed
from tfclient.projection.api.fingerprints import parse_arguments
from tfclient.projection.api.items import Item
from tfclient.projection.api.model_call import ModelResponse, says_all
from tfclient.projection.lineage.book import Book
from tfclient.projection.lineage.lineage_index import LineageIndex
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.steps.echoes import without_echoes
from tfclient.projection.steps.output_payloads import message_payload, reasoning_payload
from tfclient.projection.steps.provenance import Provenance
from tfclient.projection.steps.tool_steps import ToolSteps
from tfstore.document.documents import Step
from tfstore.document.item_types import Kind
from tfstore.document.labels import OPEN_STATUSES, EndedBy, Ending, Label
from tfstore.document.times import iso, milliseconds
from tfstore.reading.step_text import as_text

_MADE_OF: dict[Kind, tuple[Label, str]] = {
    "message": ("assistant_message", "assistant.output"),
    "reasoning": ("reasoning", "responses.reasoning"),
    "approval_request": ("approval_request", "responses.mcp_approval_request"),
    "compaction": ("context_compacted", "responses.compaction"),
}


@define
class Outcome:
    """Turns responses into steps."""

    book: Book
    index: LineageIndex
    tools: ToolSteps
    provenance: Provenance

    def close(self, node: Node, response: ModelResponse, at: int, ending: Ending) -> None:
        """Fill in a call's step and its items' steps from a response, whole or as far as it got."""
        step, run = node.step, node.run
        response.rest = without_echoes(response.rest, step, self.book.steps, self.provenance.lightener)
        _fill(step, response)
        step.ending = ending
        if response.status not in OPEN_STATUSES or ending not in {"completed", "incomplete"}:
            step.ended_at, step.duration_ms = iso(at), milliseconds(node.started_at, at)
        node.response_id = response.id or node.response_id
        step.response_id = node.response_id
        # A conversation that the server keeps is named by the response where the request did not.
        run.run.conversation_id = run.run.conversation_id or response.conversation_id
        self.items(node, response, at)
        self.index.record(node, response.outputs)
        if node.response_id:
            self.index.by_response[node.response_id] = node
        self.index.conversation_ended(response.conversation_id or run.run.conversation_id, node)
        run.run.ended_by = self._ended_by(node)
        self.book.touch(step)
        self.book.activity(run, at)

    def _ended_by(self, node: Node) -> EndedBy | None:
        """Return what ends the run by design, if this was its last call and nothing else is to be answered."""
        asked = [step.step_id for step in node.places.values()]
        if node.run.last_call is not node.step:
            return node.run.run.ended_by
        if node.run.pending or node.step.status != "completed":
            return None
        # An approval comes first: what else was asked for at once is done when it is given.
        if any(each in self.tools.unapproved for each in asked):
            return "approval"
        return "tool_call" if any(each in self.tools.left for each in asked) else None

    def items(self, node: Node, response: ModelResponse, at: int) -> None:
        """Add or bring up to date the steps of a response's items."""
        if not response.indexed:
            _move_calls(node, response)
        for number, item in enumerate(response.outputs):
            place = item.index if response.indexed else number
            known = node.places.get(place)
            if known is not None:
                self._update(known, item)
            else:
                known = self._item(item, at, node)
                known.response_id, known.output_index = node.response_id, place
                node.places[place] = known
            self.provenance.known.add(item, known)
            if known.label == "assistant_message" and item.fingerprint is not None:
                node.messages[item.fingerprint] = known.step_id
        siblings = list(node.places.values())
        node.last_step_id = siblings[-1].step_id if siblings else node.step.step_id
        messages = [s for s in siblings if s.label == "assistant_message"]
        node.last_message_id = messages[-1].step_id if messages else node.last_step_id

    def asked_so_far(
        self, node: Node, response: ModelResponse, name: str | None, call_id: str | None, at: int
    ) -> None:
        """Take a running stream's calls of one tool, and what came before them, without waiting for its end."""
        wanted = [
            number
            for number, item in enumerate(response.outputs)
            if item.kind == "call"
            and (item.call_id == call_id if call_id else item.name == name and _is_whole(item))
        ]
        if wanted:
            response.outputs = response.outputs[: wanted[-1] + 1]
            self.items(node, response, at)

    def partial(self, node: Node, response: ModelResponse, at: int) -> None:
        """Take what a broken stream told of a response that is known from elsewhere."""
        self.items(node, response, at)
        said = (
            s.payload_completed.get("text") for s in node.places.values() if s.label == "assistant_message"
        )
        texts = [self.provenance.lightener.lighten(text) for text in said if text]
        if texts:
            alone = texts[0] if len(texts) == 1 else None
            node.step.payload_completed["text"] = alone or "\n\n".join(map(as_text, texts))
        self.book.touch(node.step)

    def _item(self, item: Item, at: int, node: Node) -> Step:
        run = node.run
        depends = [node.step.step_id]
        if item.kind == "call":
            return self.tools.call(run, item, at, node, depends)
        if item.kind == "output":
            return self.tools.output_item(run, item, at, node)
        label, kind = _MADE_OF.get(item.kind, ("generic", item.type))
        if label == "assistant_message" and item.role != "assistant":
            # What a compaction keeps of the user's words.
            label, kind = "generic", f"responses.{item.type}"
        step = self.book.add(run, label, kind, at, depends_on=depends, item_id=item.item_id)
        if label == "approval_request":
            self.tools.approval(step, item)
        self._fill_item(step, item)
        return step

    def _update(self, step: Step, item: Item) -> None:
        said = self.provenance.before_change(step)
        step.item_id = step.item_id or item.item_id
        if step.label == "tool_call" and item.kind == "call":
            self.tools.update(step, item)
        elif step.label not in {"tool_call", "tool_output", "tool_error"}:
            self._fill_item(step, item)
        self.provenance.after_change(said)
        self.book.touch(step)

    def _fill_item(self, step: Step, item: Item) -> None:
        if step.label == "assistant_message":
            step.payload_completed = message_payload(item)
            step.status = "incomplete" if item.status in {"incomplete", "in_progress"} else "completed"
        elif step.label == "reasoning":
            step.payload_completed = reasoning_payload(item)
        elif step.label == "approval_request":
            payload = {k: v for k, v in item.raw.items() if k not in {"type", "id", "status"}}
            payload["arguments"] = parse_arguments(item.arguments)[0]
            step.payload_started, step.tool_name = payload, item.name
        else:
            raw = {k: v for k, v in item.raw.items() if k not in {"type", "id"}}
            step.payload_completed = sealed(raw)


def _asks_for_json(step: Step) -> bool:
    """Return whether the call asked for structured output."""
    arguments = step.payload_started.get("arguments")
    given = arguments if isinstance(arguments, dict) else {}
    text = given.get("text")
    wanted = text.get("format") if isinstance(text, dict) else given.get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") in {"json_schema", "json_object"}


def _is_whole(item: Item) -> bool:
    """Return whether nothing of a call is still to come: no JSON object begins with another."""
    return item.status == "completed" or isinstance(parse_arguments(item.arguments)[0], dict)


def _move_calls(node: Node, response: ModelResponse) -> None:
    """Give calls that were taken early their places: a chat may tell its text after its calls."""
    early = {s.call_id: n for n, s in node.places.items() if s.label == "tool_call" and s.call_id}
    moved = {
        number: node.places.pop(early[str(item.call_id)])
        for number, item in enumerate(response.outputs)
        if item.kind == "call" and early.get(str(item.call_id), number) != number
    }
    for number, step in moved.items():
        step.output_index = number
    node.places.update(moved)


def _fill(step: Step, response: ModelResponse) -> None:
    step.status = response.status
    step.model = response.model or step.model
    step.usage = response.usage or step.usage
    step.finish_reason = response.finish_reason or step.finish_reason
    step.error = response.error
    texts = [
        item.text
        for item in response.outputs
        if item.kind == "message" and item.role == "assistant" and item.text
    ]
    calls = [
        {"name": i.name, "arguments": parse_arguments(i.arguments)[0], "call_id": i.call_id}
        for i in response.outputs
        if i.kind == "call" and i.answered_by_caller
    ]
    payload: dict[str, Any] = {"text": "\n\n".join(texts)} if texts else {}
    if texts and _asks_for_json(step):
        values = [value for value, is_json in map(parse_arguments, texts) if is_json]
        payload |= {"parsed": values[0] if len(texts) == 1 else values} if values else {}
    if calls:
        payload["function_calls"] = calls
    if response.id:
        payload["response_id"] = response.id
    payload["status"] = response.status
    if response.incomplete_details:
        payload["incomplete_details"] = response.incomplete_details
    if response.raw_usage and not says_all(step.usage, response.raw_usage):
        payload["usage"] = response.raw_usage
    if response.rest:
        payload["response"] = response.rest
    if response.body not in (None, ""):
        payload["body"] = response.body
    step.payload_completed = payload
