"""The Responses API: requests and responses read into ``ModelRequest`` and ``ModelResponse``.

Everything is read from the raw JSON, by ``type``: real traffic holds fields and items that no SDK names yet.
"""

from __future__ import annotations

from typing import Any, cast

from tfclient.projection.api.call_errors import error_from_body, id_of_failure
from tfclient.projection.api.content import text_of_content
from tfclient.projection.api.items import from_responses
from tfclient.projection.api.model_call import ModelRequest, ModelResponse, Policy, usage_from
from tfclient.projection.api.sent_prompts import SentPrompts
from tfstore.document.labels import Status

APART = frozenset({"input", "instructions", "tools", "model", "previous_response_id"})

RESPONSE_APART = frozenset(
    {"id", "status", "model", "output", "usage", "incomplete_details", "error", "conversation", "object"}
)


COMPACT = "responses.compact"
"""The type of a request that makes a context smaller: what it gives is all that the next one continues from."""


def read_request(body: dict[str, Any], sent: SentPrompts, name: str) -> ModelRequest:
    """Return a Responses API request, its items, policies and tools told apart."""
    request = ModelRequest(name, COMPACT if name.endswith(COMPACT) else "responses.request")
    model = body.get("model")
    request.model = model if isinstance(model, str) else None
    request.arguments = {k: v for k, v in body.items() if k not in APART}
    request.previous_response_id = id_of(body.get("previous_response_id"))
    request.conversation_id = id_of(body.get("conversation"))
    prompt = body.get("prompt")
    request.template = prompt if isinstance(prompt, dict) else None
    instructions = body.get("instructions")
    if instructions:
        request.policies.append(Policy("instructions", text_of_content(instructions), instructions))
    tools = body.get("tools")
    request.tools = tools if isinstance(tools, list) else []
    kept = {
        "model": request.model is not None,
        "tools": bool(request.tools),
        "instructions": bool(instructions),
        "previous_response_id": isinstance(body.get("previous_response_id"), str)
        and bool(request.previous_response_id),
    }
    # What has no place of its own stays an argument, so that nothing sent is lost.
    request.arguments |= {k: body[k] for k, placed in kept.items() if k in body and not placed}
    given = body.get("input")
    request.shape = "list" if isinstance(given, list) else "single" if "input" in body else "absent"
    listed = given if isinstance(given, list) else [given] if request.shape == "single" else []
    if given is None and "input" in body:
        request.arguments["input"], request.shape, listed = None, "absent", []
    request.take(listed, sent, lambda raw, place: [from_responses(raw, place)])
    return request


def read_response(body: Any, status_code: int | None = None) -> ModelResponse:
    """Return a Responses API response; an error body becomes a failed response with its error."""
    if not isinstance(body, dict) or not (
        "output" in body or str(body.get("object")) in {"response", "response.compaction"}
    ):
        failed = ModelResponse(status="failed", body=body)
        failed.error = error_from_body(body, status_code)
        failed.id = id_of_failure(body, status_code)
        return failed
    response = ModelResponse(id=id_of(body.get("id")), model=id_of(body.get("model")))
    # A word that only the provider knows stays the status that it gave.
    response.status = cast("Status", str(body.get("status") or "completed"))
    outputs = body.get("output")
    response.outputs = [
        from_responses(raw, n) for n, raw in enumerate(outputs if isinstance(outputs, list) else [])
    ]
    if outputs and not isinstance(outputs, list):
        response.rest["output"] = outputs
    response.raw_usage = body.get("usage") if isinstance(body.get("usage"), dict) else None
    response.usage = usage_from(body.get("usage"))
    response.incomplete_details = body.get("incomplete_details")
    response.conversation_id = id_of(body.get("conversation"))
    response.finish_reason = response.status
    if isinstance(response.incomplete_details, dict):
        response.finish_reason = str(response.incomplete_details.get("reason") or response.status)
    if body.get("error"):
        response.error = error_from_body({"error": body["error"]}, None)
    response.rest |= {k: v for k, v in body.items() if k not in RESPONSE_APART}
    return response


def id_of(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value else None
