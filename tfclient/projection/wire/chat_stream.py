"""One stream of chat completion chunks, read as it comes."""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body
from tfclient.projection.api.chat import read_response, text_or_none
from tfclient.projection.api.model_call import ModelResponse
from tfclient.projection.wire.growing import grow, joined


@define
class ChatStream:
    """The state of one chunk stream: feed it events, ask for the completion so far."""

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

    def feed(self, _name: str | None, data: str) -> dict[str, Any] | None:
        """Take one server-sent event and return it if it brings deltas."""
        if data.strip() == "[DONE]":
            self.done = True
            return None
        self.events += 1
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            chunk = None
        if not isinstance(chunk, dict):
            self.unread.append(data)
            return None
        if chunk.get("error"):
            self.error = chunk["error"]
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
        if not first or key == "usage":
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
            elif key == "logprobs" and isinstance(value, dict):
                logprobs = kept.setdefault("logprobs", {})
                for name, rows in value.items():
                    if isinstance(rows, list) and isinstance(logprobs.get(name), list):
                        logprobs[name] += rows
                    else:
                        logprobs[name] = joined(rows)
            elif value is not None:
                kept[key] = value
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
        elif not self.finished:
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
        elif isinstance(value, str):
            grow(message, key, value)
        elif isinstance(value, list):
            held = message.get(key)
            message[key] = [*held, *value] if isinstance(held, list) else value
        else:
            message[key] = value


def _merge_calls(calls: list[dict[str, Any]], deltas: list[Any]) -> None:
    for delta in deltas:
        if not isinstance(delta, dict):
            continue
        number = delta.get("index")
        known = next((c for c in calls if number is not None and c.get("index") == number), None)
        if known is None and number is None and calls and not delta.get("id"):
            known = calls[-1]
        if known is None:
            known = {"index": number}
            calls.append(known)
        for key, value in delta.items():
            if isinstance(value, dict):
                part = known.get(key)
                known[key] = part = part if isinstance(part, dict) else {}
                _merge_strings(part, value)
            elif value is not None:
                known[key] = value


def _merge_strings(target: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if value is None:
            target.setdefault(key, None)
        elif key in {"arguments", "input", "data", "transcript"} and isinstance(value, str):
            grow(target, key, value)
        else:
            target[key] = value
