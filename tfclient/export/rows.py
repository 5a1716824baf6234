"""Sessions as rows of data, one a run: what it was asked, and what it answered; for evaluations and for training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from attrs import field, frozen

from tfclient.export.chat_messages import Messages, messages_of
from tfclient.projection.wire.bodies import parse_json
from tfstore.errors import StoreError
from tfstore.reading.calls.exchanges import request_bodies
from tfstore.reading.prompts import prompt_of, whole
from tfstore.reading.step_text import as_text, text_of
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Json, Run, Session, Step
    from tfstore.protocols import Reading

Format = Literal["inspect", "evals"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_SYSTEM: Final = frozenset({"system", "developer"})


@frozen
class Row:
    """A run: the messages of its first request, its last answer, and the calls of tools that it asked for."""

    id: str
    messages: Messages
    target: str
    calls: list[Json] = field(factory=list["Json"])
    model: str | None = None
    status: str = ""

    def as_json(self, form: Format) -> Json:
        """Return the row as a tool reads it.

        Args:
            form: ``inspect`` for inspect_ai's ``json_dataset``, ``evals`` for the data source of an eval of OpenAI's.
        """
        about: Json = {
            "model": self.model,
            "status": self.status,
            "tools_called": self.calls,
            "whole_history": self.messages.whole_history,
            "left_out": dict(self.messages.left_out),
        }
        if form == "evals":
            return {"item": {"id": self.id, "input": self.messages.listed, "target": self.target, **about}}
        names = _names_of_calls(self.messages.listed)
        listed = [_of_inspect(each, names) for each in self.messages.listed]
        return {"id": self.id, "input": listed, "target": self.target, "metadata": about}


def rows_of(store: Reading, session: Session) -> Iterator[Row | str]:
    """Yield a row for each run of a session; of one that has none, its id and why.

    Requests are whole in the journal; where there is none any more, and of a database, they are put together from the
    document.

    Raises:
        StoreError: the journal cannot be read.
    """
    bodies = request_bodies(store.journal(session.session_id)[0]) if isinstance(store, Store) else {}
    for run in session.runs:
        name = f"{session.session_id}:{run.run_id}"
        call = next((step for step in run.steps if step.label == "assistant_call"), None)
        if call is None:
            yield f"{name} asked no model"
            continue
        messages = messages_of(_request(store, session, call, bodies))
        if not messages.listed:
            yield f"{name} has no prompt"
            continue
        said = [step for step in run.steps if step.label == "assistant_message"]
        target = _text(store, said[-1]) if said else ""
        yield Row(name, messages, target, _calls(store, run), call.model, run.status)


def _request(store: Reading, session: Session, call: Step, bodies: dict[str, str]) -> Any:
    for attempt in reversed(call.attempts):
        text = bodies.get(attempt.exchange_id or "")
        if text is not None:
            return parse_json(text)
    try:
        return prompt_of(session, call.step_id, store.blobs.get).request
    except (StoreError, KeyError, ValueError):
        return None


def _text(store: Reading, step: Step) -> str:
    text = _whole(store, step.payload_completed.get("text"))
    return text if isinstance(text, str) else text_of(step)


def _whole(store: Reading, value: Any) -> Any:
    """Return a value with what the document refers to in its place, as far as that is there."""
    try:
        return whole(value, store.blobs.get)
    except StoreError:
        return value


def _calls(store: Reading, run: Run) -> list[Json]:
    return [
        {"name": as_text(step.tool_name), "arguments": _whole(store, step.payload_started.get("arguments"))}
        for step in run.steps
        if step.label == "tool_call"
    ]


def _names_of_calls(messages: list[Json]) -> dict[str, str]:
    return {
        str(call.get("id")): str((call.get("function") or call.get("custom") or {}).get("name"))
        for each in messages
        for call in each.get("tool_calls", ())
    }


def _of_inspect(message: Json, names: dict[str, str]) -> Json:
    """Return a message as inspect_ai has it."""
    role = "system" if message["role"] in _SYSTEM else message["role"]
    made: Json = {"role": role, "content": _content(message["content"])}
    if role in {"tool", "function"}:
        call_id = message.get("tool_call_id")
        name = names.get(str(call_id)) or message.get("name")
        return {**made, "role": "tool", "tool_call_id": call_id, **({"function": name} if name else {})}
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [_inspect_call(each) for each in calls]
    elif isinstance(message.get("function_call"), dict):
        called = message["function_call"]
        made["tool_calls"] = [_inspect_call({"id": str(called.get("name")), "function": called})]
    return made


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content or ""
    return [_part(each) for each in content]


def _part(part: Json) -> Json:
    if part["type"] == "image_url":
        detail = {"detail": part["image_url"]["detail"]} if part["image_url"].get("detail") else {}
        return {"type": "image", "image": str(part["image_url"].get("url")), **detail}
    if part["type"] == "input_audio":
        held = part["input_audio"]
        return {"type": "audio", "audio": str(held.get("data")), "format": str(held.get("format"))}
    if part["type"] == "file":
        held = part["file"]
        document = str(held.get("file_data") or held.get("file_id"))
        return {"type": "document", "document": document, "filename": str(held.get("filename") or "file")}
    return part


def _inspect_call(call: Json) -> Json:
    function = call.get("function")
    if not isinstance(function, dict):
        held = call.get("custom") or {}
        return {
            "id": call["id"],
            "function": str(held.get("name")),
            "arguments": {"input": held.get("input")},
        }
    made: Json = {"id": call["id"], "function": str(function.get("name")), "arguments": {}}
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError, RecursionError) as error:
        return {**made, "parse_error": f"{error}: {function.get('arguments')}"}
    return {**made, "arguments": arguments if isinstance(arguments, dict) else {"value": arguments}}
