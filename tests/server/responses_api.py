"""The Responses API: what a response looks like, and the events that build it up, in the order of the real ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from tests.server.ids import Clock, Ids
from tests.server.replies import Answer, Call, Output, Say, Think

JSON: TypeAlias = Any


class ApiError(Exception):
    """A request that the API would refuse."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        }


class ResponsesApi:
    """Keeps the stored responses and their chains."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._stored: dict[str, JSON] = {}
        self._context: dict[str, list[JSON]] = {}
        self._pending: dict[str, list[JSON]] = {}

    # Requests

    def context(self, request: JSON) -> list[JSON]:
        """Give all input items a request stands on, its chain's first.

        Raises:
            ApiError: A parent, a call or an output is missing, as the real API checks.
        """
        items: list[JSON] = []
        parent = request.get("previous_response_id")
        if parent is not None:
            if parent not in self._stored:
                raise ApiError(
                    400,
                    f"Previous response with id '{parent}' not found.",
                    "previous_response_id",
                    "previous_response_not_found",
                )
            items += self._context[parent]
        given = request.get("input", [])
        items += [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
        called = {item["call_id"] for item in items if item.get("type") == "function_call"}
        answered = {item["call_id"] for item in items if item.get("type") == "function_call_output"}
        for call_id in sorted(answered - called):
            raise ApiError(
                400, f"No tool call found for function call output with call_id {call_id}.", "input"
            )
        for call_id in sorted(called - answered):
            raise ApiError(400, f"No tool output found for function call {call_id}.", "input")
        return items

    def create(self, request: JSON, reply: Answer) -> JSON:
        """Make the finished response to a request, and store it."""
        context = self.context(request)
        response = self._frame(request, reply)
        response["output"] = (
            [self._item(output) for output in reply.output] if reply.status != "failed" else []
        )
        response["status"] = reply.status
        if reply.status == "incomplete":
            response["incomplete_details"] = {"reason": reply.reason}
            if response["output"] and "status" in response["output"][-1]:
                response["output"][-1]["status"] = "incomplete"
        if reply.error:
            response["error"] = {"code": reply.error[0], "message": reply.error[1]}
        else:
            response["usage"] = _usage(request, context, response["output"])
        if response["store"]:
            self._stored[response["id"]] = response
            self._context[response["id"]] = [*context, *response["output"]]
        return response

    def begin(self, request: JSON, reply: Answer) -> JSON:
        """Make a background response: queued now, in progress when first asked for, then finished."""
        finished = self.create(request, reply)
        queued = unfinished(finished, "queued")
        self._pending[finished["id"]] = [unfinished(finished, "in_progress"), finished]
        self._stored[finished["id"]] = queued
        return queued

    def retrieve(self, response_id: str) -> JSON:
        """Give a stored response; a background one moves on with every look."""
        if response_id not in self._stored:
            raise ApiError(404, f"Response with id '{response_id}' not found.")
        if self._pending.get(response_id):
            self._stored[response_id] = self._pending[response_id].pop(0)
        return self._stored[response_id]

    def cancel(self, response_id: str) -> JSON:
        """Cancel a background response."""
        response = self.retrieve(response_id)
        if not response["background"]:
            raise ApiError(400, "Cannot cancel a synchronous response.")
        self._pending.pop(response_id, None)
        self._stored[response_id] = unfinished(response, "cancelled")
        return self._stored[response_id]

    def delete(self, response_id: str) -> JSON:
        """Delete a stored response."""
        self.retrieve(response_id)
        del self._stored[response_id]
        return {"id": response_id, "object": "response", "deleted": True}

    def input_items(self, response_id: str) -> JSON:
        """List what a response was made from."""
        output = len(self.retrieve(response_id)["output"])
        items = self._context[response_id]
        data = [{"id": self._ids.hexed("msg"), **item} for item in items[: len(items) - output]][::-1]
        ends = (
            {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
            if data
            else {"first_id": None, "last_id": None}
        )
        return {"object": "list", "data": data, "has_more": False, **ends}

    # Shapes

    def _frame(self, request: JSON, reply: Answer) -> JSON:
        created = self._clock.tick()
        text = {"format": {"type": "text"}, "verbosity": "medium", **request.get("text", {})}
        return {
            "id": self._ids.hexed("resp"),
            "object": "response",
            "created_at": created,
            "status": "in_progress",
            "background": request.get("background", False),
            "billing": {"payer": "developer"},
            "completed_at": created + 1 if reply.status == "completed" else None,
            "error": None,
            "frequency_penalty": 0.0,
            "incomplete_details": None,
            "instructions": request.get("instructions"),
            "max_output_tokens": request.get("max_output_tokens"),
            "max_tool_calls": None,
            "model": _dated(request.get("model", "gpt-5.4-mini")),
            "moderation": None,
            "output": [],
            "parallel_tool_calls": request.get("parallel_tool_calls", True),
            "presence_penalty": 0.0,
            "previous_response_id": request.get("previous_response_id"),
            "prompt_cache_key": request.get("prompt_cache_key"),
            "prompt_cache_retention": "in_memory",
            "reasoning": {
                "context": "current_turn",
                "effort": "medium",
                "summary": None,
                **request.get("reasoning", {}),
            },
            "safety_identifier": request.get("safety_identifier"),
            "service_tier": "default",
            "store": request.get("store", True),
            "temperature": request.get("temperature", 1.0),
            "text": text,
            "tool_choice": request.get("tool_choice", "auto"),
            "tools": request.get("tools", []),
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": request.get("truncation", "disabled"),
            "usage": None,
            "user": request.get("user"),
            "metadata": request.get("metadata", {}),
        }

    def _item(self, output: Output) -> JSON:
        if isinstance(output, Say):
            part: JSON = {"type": "output_text", "annotations": [], "logprobs": [], "text": output.text}
            if output.refusal:
                part = {"type": "refusal", "refusal": output.text}
            return {
                "id": self._ids.hexed("msg"),
                "type": "message",
                "status": "completed",
                "content": [part],
                "role": "assistant",
            }
        if isinstance(output, Call):
            given = output.arguments
            return {
                "id": self._ids.hexed("fc"),
                "type": "function_call",
                "status": "completed",
                "arguments": given
                if isinstance(given, str)
                else json.dumps(given, ensure_ascii=False, separators=(",", ":")),
                "call_id": output.call_id or self._ids.lettered("call_"),
                "name": output.name,
            }
        if isinstance(output, Think):
            item: JSON = {
                "id": self._ids.hexed("rs"),
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": text} for text in output.summary],
            }
            return {**item, "encrypted_content": output.encrypted} if output.encrypted else item
        return {"id": self._ids.hexed("item"), **output.fields}

    # Events

    def events(self, response: JSON, *, starting_after: int = -1) -> Iterator[JSON]:
        """Give the events of a finished response's stream, numbered from ``starting_after`` + 1."""
        in_progress = unfinished(response, "in_progress")
        built: list[JSON] = [{"type": "response.created", "response": in_progress}]
        if response["background"]:
            queued = unfinished(response, "queued")
            built = [{"type": f"response.{word}", "response": queued} for word in ("created", "queued")]
        built.append({"type": "response.in_progress", "response": in_progress})
        for index, item in enumerate(response["output"]):
            built += self._item_events(index, item)
        if response["status"] == "failed":
            code, message = response["error"]["code"], response["error"]["message"]
            error = {"type": code, "code": code, "message": message, "param": None}
            built.append({"type": "error", "error": error})
        built.append({"type": f"response.{response['status']}", "response": response})
        for number, event in enumerate(built):
            if number > starting_after:
                yield {"type": event.pop("type"), "sequence_number": number, **event}

    def _item_events(self, index: int, item: JSON) -> Iterator[JSON]:
        at = {"item_id": item["id"], "output_index": index}
        kind = item["type"]
        begun: JSON = {
            "message": {"status": "in_progress", "content": []},
            "function_call": {"status": "in_progress", "arguments": ""},
            "reasoning": {"summary": []},
        }.get(kind, {"status": "in_progress"} if "status" in item else {})
        yield {"type": "response.output_item.added", "output_index": index, "item": {**item, **begun}}
        if kind == "message":
            yield from self._message_events(at, item["content"][0])
        elif kind == "function_call":
            name = "response.function_call_arguments"
            for delta in _pieces(item["arguments"]):
                yield {
                    "type": f"{name}.delta",
                    **at,
                    "delta": delta,
                    "obfuscation": self._ids.obfuscation(len(delta)),
                }
            yield {"type": f"{name}.done", **at, "arguments": item["arguments"]}
        elif kind == "reasoning":
            for n, part in enumerate(item["summary"]):
                yield from self._summary_events({**at, "summary_index": n}, part)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}

    def _message_events(self, at: JSON, part: JSON) -> Iterator[JSON]:
        at = {**at, "content_index": 0}
        word = "refusal" if part["type"] == "refusal" else "text"
        name = "response.refusal" if word == "refusal" else "response.output_text"
        rest: JSON = {} if word == "refusal" else {"logprobs": []}
        yield {"type": "response.content_part.added", **at, "part": {**part, word: ""}}
        for delta in _pieces(part[word]):
            padding = self._ids.obfuscation(len(delta))
            yield {"type": f"{name}.delta", **at, "delta": delta, **rest, "obfuscation": padding}
        yield {"type": f"{name}.done", **at, word: part[word], **rest}
        yield {"type": "response.content_part.done", **at, "part": part}

    def _summary_events(self, at: JSON, part: JSON) -> Iterator[JSON]:
        name = "response.reasoning_summary"
        yield {"type": f"{name}_part.added", **at, "part": {**part, "text": ""}}
        for delta in _pieces(part["text"]):
            padding = self._ids.obfuscation(len(delta))
            yield {"type": f"{name}_text.delta", **at, "delta": delta, "obfuscation": padding}
        yield {"type": f"{name}_text.done", **at, "text": part["text"]}
        yield {"type": f"{name}_part.done", **at, "part": part}


def unfinished(response: JSON, status: str) -> JSON:
    """Give a response as it looked before it was finished."""
    return {
        **response,
        "status": status,
        "output": [],
        "usage": None,
        "error": None,
        "incomplete_details": None,
        "completed_at": None,
    }


def _dated(model: str) -> str:
    return model if re.search(r"\d{4}-\d\d-\d\d$", model) else f"{model}-2026-03-17"


def _pieces(text: str) -> list[str]:
    """Cut a text about as a model's tokens do."""
    return re.findall(r"\s?\w{1,6}|\s?[^\w\s]{1,3}|\s+", text)


def tokens(value: JSON) -> int:
    """Count tokens: four characters are about one."""
    return len(value if isinstance(value, str) else json.dumps(value)) // 4 + 1


def _usage(request: JSON, context: list[JSON], output: list[JSON]) -> JSON:
    given = tokens(context) + tokens([request.get("instructions"), request.get("tools", [])])
    thought = sum(tokens(item["summary"]) * 4 for item in output if item["type"] == "reasoning")
    said = sum(tokens(item.get("content") or item.get("arguments") or "") for item in output) + thought
    return {
        "input_tokens": given,
        # What stands at the beginning of the last request too comes from the cache, in blocks of 128.
        "input_tokens_details": {"cached_tokens": given // 128 * 128 if given > 1024 else 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": given + said,
    }
