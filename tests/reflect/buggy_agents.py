"""Agents with a fault that no exception tells of, as users write them; each takes any OpenAI client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import openai

MODEL: Final = "gpt-5.4-mini"
_ID: Final = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
_ABOUT: Final = {"name": "get_order", "description": "An order.", "parameters": _ID}
ORDER: Final = {"order_id": "A-1001", "customer": "Grace", "items": ["lamp"], "total": 12.9}


def wrong_order(client: openai.OpenAI) -> Any:
    """A tool that gives everybody the same order: its cache has no key."""
    tool: Any = {"type": "function", **_ABOUT}
    news: Any = [{"role": "user", "content": "What is in my order A-1002?"}]
    parent: dict[str, Any] = {}
    while True:
        response = client.responses.create(model=MODEL, input=news, tools=[tool], **parent)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response
        answers = [(call.call_id, json.dumps(ORDER)) for call in calls]
        news = [{"type": "function_call_output", "call_id": name, "output": text} for name, text in answers]
        parent = {"previous_response_id": response.id}


def forgetful(client: openai.OpenAI, questions: list[str]) -> Any:
    """A chat that sends its last four messages, to save tokens."""
    history: list[Any] = []
    answer: Any = None
    for question in questions:
        history.append({"role": "user", "content": question})
        answer = client.chat.completions.create(model=MODEL, messages=history[-4:])
        history.append({"role": "assistant", "content": answer.choices[0].message.content})
    return answer


def waiting(client: openai.OpenAI, get_order: Callable[[str], str]) -> Any:
    """A loop that has no end of its own: the model asks, the tool says the same, the model asks."""
    messages: list[Any] = [{"role": "user", "content": "Tell me when order A-1002 has left."}]
    tools: Any = [{"type": "function", "function": _ABOUT}]
    while True:
        message = (
            client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message
        )
        if not message.tool_calls:
            return message
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            wanted = json.loads(call.function.arguments)  # type: ignore[union-attr]
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": get_order(wanted["order_id"])}
            )
