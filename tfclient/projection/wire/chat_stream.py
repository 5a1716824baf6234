"""One stream of chat completion chunks, read as it comes."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body, error_in_event
from tfclient.projection.api.chat import read_response, text_or_none
from tfclient.projection.api.fingerprints import parse_arguments
from tfclient.projection.api.model_call import ModelResponse, usage_from
from tfclient.projection.wire.bodies import parse_json
from tfclient.projection.wire.growing import grow, joined


@define
class ChatStream:
    """The state of one chunk stream, of chat or of the legacy completions: feed it events, ask for what came so far."""

    events: int = 0
    error: Any = None
    spoke: bool = False
    """Whether any text has come."""
    asks: bool = False
    """Whether a choice has finished by asking for tools."""
    unread: list[str] = field(factory=list[str])
    """Data that is not this API's JSON, as it came."""
    strange: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    terminal: str | None = None
    """No event of a chat stream says how it ended."""
    done: bool = False
    _body: dict[str, Any] = field(factory=dict[str, Any])
    _last: dict[str, Any] = field(factory=dict[str, Any])
    _choices: dict[int, dict[str, Any]] = field(factory=dict[int, dict[str, Any]])

    @property
    def ended(self) -> bool:
        """Whether ``[DONE]`` has come."""
        return self.done

    @property
    def response_id(self) -> str | None:
        """The completion's id, as soon as a chunk has told it."""
        return text_or_none(self._body.get("id"))

    @property
    def finished(self) -> bool:
        """Whether ``[DONE]`` has come, or every choice seen has said why it finished."""
        reasons = [choice.get("finish_reason") for choice in self._choices.values()]
        return self.done or (bool(reasons) and all(reasons))

    def feed(self, name: str | None, data: str) -> dict[str, Any] | None:
        """Take one server-sent event and return it if it brings deltas."""
        if data.strip() == "[DONE]":
            self.done = True
            return None
        self.events += 1
        chunk = parse_json(data)
        if not isinstance(chunk, dict):
            self.unread.append(data)
            self.error = data if name == "error" else self.error
            return None
        error = error_in_event(chunk, name)
        if error is not None:
            self.error = error["error"]
            if not chunk.get("choices"):
                return None
        for key, value in chunk.items():
            # Azure opens with an empty id and empty choices; the first real value stands.
            if key not in {"choices", "error", "obfuscation"} and value not in (None, "", [], 0):
                self._keep(key, value)
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                self._grow(choice)
        return {"choices": choices} if choices else None

    def _keep(self, key: str, value: Any) -> None:
        """The first real value stands, but for usage; where it changes on the way, the last one is kept beside it."""
        first = self._body.get(key)
        if key == "usage":
            # Some send zeros behind the counts.
            counts = usage_from(value)
            self._body[key] = value if not first or (counts is not None and counts.total_tokens) else first
        elif not first:
            self._body[key] = value
        elif first != value:
            self._last[key] = value

    def _grow(self, choice: dict[str, Any]) -> None:
        number = choice.get("index")
        kept = self._choices.setdefault(number if isinstance(number, int) else 0, {"message": {}})
        for key, value in choice.items():
            if key == "delta":
                if isinstance(value, dict):
                    _merge_delta(kept["message"], value)
                    self.spoke = self.spoke or bool(value.get("content") or value.get("refusal"))
            elif key == "text" and isinstance(value, str):
                grow(kept, "text", value)
                self.spoke = self.spoke or bool(value)
            elif key == "logprobs" and isinstance(value, dict):
                logprobs = kept.setdefault("logprobs", {})
                for name, rows in value.items():
                    if isinstance(rows, list) and isinstance(logprobs.get(name), list):
                        logprobs[name] += rows
                    else:
                        logprobs[name] = joined(rows)
            elif value is not None:
                kept[key] = value
                self.error = value if key == "error" and value else self.error
        self.asks = self.asks or str(kept.get("finish_reason")) in {"tool_calls", "function_call"}

    def response(self) -> ModelResponse:
        """Return the completion as far as the stream has told it."""
        if not self._choices and self.error is not None:
            return read_response({"error": self.error})
        choices = [{"index": n, **joined(self._choices[n])} for n in sorted(self._choices)]
        response = read_response({**self._body, "choices": choices})
        if self._last:
            response.rest["last_chunk"] = dict(self._last)
        if self.error is not None:
            response.error, response.status = error_from_body({"error": self.error}, None), "failed"
        elif not self.finished and response.error is None:
            response.status = "in_progress"
        return response


def _merge_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if value is None:
            message.setdefault(key, None)
        elif key == "tool_calls" and isinstance(value, list):
            if not isinstance(message.get("tool_calls"), list):
                message["tool_calls"] = []
            _merge_calls(message["tool_calls"], value)
        elif key in {"function_call", "audio"} and isinstance(value, dict):
            if not isinstance(message.get(key), dict):
                message[key] = {}
            _merge_strings(message[key], value)
        elif key == "role":
            message["role"] = value or message.get("role")
        elif isinstance(value, str) and type(message.get(key)) is list:
            _add_text(message[key], value)
        elif isinstance(value, str):
            grow(message, key, value)
        elif isinstance(value, list):
            held = joined(message.get(key))
            before = held if isinstance(held, list) else [{"type": "text", "text": held}] if held else []
            message[key] = [*before, *value]
        else:
            message[key] = value


def _add_text(parts: list[Any], text: str) -> None:
    """Text behind a list of parts goes on in a part of its own."""
    last = parts[-1] if parts else None
    if not text:
        return
    if not (
        isinstance(last, dict) and last.get("type") == "text" and isinstance(last.get("text"), str | list)
    ):
        parts.append(last := {"type": "text"})
    grow(last, "text", text)


def _merge_calls(calls: list[dict[str, Any]], deltas: list[Any]) -> None:
    for delta in deltas:
        if not isinstance(delta, dict):
            continue
        number = delta.get("index")
        known = _call_of(calls, delta)
        if known is None:
            known = {"index": number}
            calls.append(known)
        for key, value in delta.items():
            if isinstance(value, dict):
                part = known.get(key)
                known[key] = part = part if isinstance(part, dict) else {}
                _merge_strings(part, value)
            elif value is not None and (value != "" or key not in known):
                known[key] = value


def _call_of(calls: list[dict[str, Any]], delta: dict[str, Any]) -> dict[str, Any] | None:
    """Return the call that a delta goes on with; None for one that begins another.

    The index tells, but for servers that give all calls the same or none: a name with another id, or where the call
    before is whole already, begins another call.
    """
    number, call_id, name = delta.get("index"), delta.get("id"), _part_of(delta).get("name")
    same = [call for call in calls if number is None or call.get("index") == number]
    if not same or not (call_id or name):
        return same[-1] if same else None
    last = same[-1]
    if call_id and last.get("id"):
        named = next((call for call in same if call.get("id") == call_id), None)
        return named or (None if name else last)
    held = _part_of(last)
    arguments = joined(held.get("arguments"))
    whole = isinstance(arguments, str) and bool(arguments) and parse_arguments(arguments)[1]
    return None if name and held.get("name") and whole else last


def _part_of(call: dict[str, Any]) -> dict[str, Any]:
    part = call.get("function") or call.get("custom")
    return part if isinstance(part, dict) else {}


def _merge_strings(target: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if value is None:
            target.setdefault(key, None)
        elif key in {"arguments", "input", "data", "transcript"} and isinstance(value, str):
            grow(target, key, value)
        elif key == "name" and isinstance(value, str) and isinstance(held := target.get(key), str):
            # In pieces, or the same again with each delta.
            target[key] = value if not held or value.startswith(held) else held + value
        elif value != "" or key not in target:
            target[key] = value
