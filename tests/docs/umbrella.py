"""The session that the pages speak of: one question, one tool, one answer."""

from __future__ import annotations

import json
from typing import Any

from tfclient.projection.projector import Projector
from tfstore.document.documents import Session

QUESTION = "Do I need an umbrella in Bergen today?"

TOOLS = [{"type": "function", "name": "get_forecast", "parameters": {"type": "object"}}]


def response(number: int, output: dict[str, Any], tokens: int) -> dict[str, Any]:
    usage = {"input_tokens": tokens - 28, "output_tokens": 28, "total_tokens": tokens}
    body = {"id": f"resp_{number}", "object": "response", "status": "completed", "usage": usage}
    return {**body, "model": "gpt-5-mini-2025-08-07", "output": [output]}


def umbrella_session() -> Session:
    call = {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "get_forecast",
        "arguments": "{}",
    }
    answer = {"type": "output_text", "text": "Yes: it will rain.", "annotations": []}
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [answer],
    }
    output = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    exchanges = [
        ({"model": "gpt-5-mini", "input": QUESTION, "tools": TOOLS}, response(1, call, 88)),
        (
            {"model": "gpt-5-mini", "input": [output], "previous_response_id": "resp_1", "tools": TOOLS},
            response(2, message, 120),
        ),
    ]
    projector = Projector("sess_20260105T070000Z_0badcafe")
    at = 1_767_596_400_000_000
    projector.feed({"type": "session.started", "at": at, "title": "", "metadata": {}})
    for number, (request, reply) in enumerate(exchanges, start=1):
        call_id = f"w-{number}"
        projector.feed(
            {"type": "call.started", "at": at, "call": call_id, "method": "POST", "path": "/responses"}
        )
        sent = {"type": "attempt.sent", "at": at, "call": call_id, "exchange_id": f"{call_id}.1", "n": 1}
        sent |= {"method": "POST", "url": "https://api.openai.com/v1/responses", "headers": {}}
        projector.feed({**sent, "body": {"text": json.dumps(request)}})
        at += 900_000
        answered = {"type": "attempt.answered", "at": at, "exchange_id": f"{call_id}.1", "status": 200}
        answered |= {"headers": {"content-type": "application/json"}, "complete": True}
        projector.feed({**answered, "body": {"text": json.dumps(reply)}})
        at += 100_000
    projector.feed({"type": "session.ended", "at": at, "end_reason": "closed"})
    return projector.session()
