"""Small programs as users write them, run by tests and recorded into cassettes; each takes any OpenAI client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import openai

MODEL: Final = "gpt-5.4-mini"
_CITY: Final = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: Final[list[Any]] = [
    {"type": "function", "name": name, "description": text, "parameters": _CITY, "strict": True}
    for name, text in (("get_weather", "The weather in a city now."), ("get_time", "The time in a city now."))
]
PROMPT: Final = "What are the weather in Oslo and the time in Atlantis?"


def serve(name: str, arguments: str) -> str:
    """Run a tool; one of the two places does not exist."""
    city = json.loads(arguments)["city"]
    if city == "Atlantis":
        return json.dumps({"error": f"LookupError: no place is called {city}"})
    return json.dumps({"weather": "cloudy", "celsius": 14} if name == "get_weather" else {"time": "14:05"})


def _loop(respond: Callable[..., Any]) -> Any:
    news: list[Any] = [{"role": "user", "content": PROMPT}]
    parent: str | None = None
    while True:
        chain = {"previous_response_id": parent} if parent else {}
        response = respond(model=MODEL, instructions="Be brief.", input=news, tools=TOOLS, **chain)
        news = [
            {
                "type": "function_call_output",
                "call_id": item.call_id,
                "output": serve(item.name, item.arguments),
            }
            for item in response.output
            if item.type == "function_call"
        ]
        if not news:
            return response
        parent = response.id


def agent_loop(client: openai.OpenAI) -> Any:
    """Two tools in parallel, one of them failing."""
    return _loop(client.responses.create)


def streamed_agent_loop(client: openai.OpenAI) -> Any:
    """The same, streamed."""

    def respond(**wanted: Any) -> Any:
        events: list[Any] = list(client.responses.create(stream=True, **wanted))
        return events[-1].response

    return _loop(respond)


def fork(client: openai.OpenAI) -> list[Any]:
    """Two prompts on one parent."""
    first = client.responses.create(model=MODEL, input="Where should I go in Norway?")
    return [
        first,
        client.responses.create(model=MODEL, input="By train, please.", previous_response_id=first.id),
        client.responses.create(model=MODEL, input="As far north as it goes.", previous_response_id=first.id),
    ]


def retried(client: openai.OpenAI) -> Any:
    """A call that is refused once and then answered."""
    return client.responses.create(model=MODEL, input="Hello?")


def chat_agent_loop(client: openai.OpenAI) -> Any:
    """The tool loop on Chat Completions, which sends its whole history each time."""
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}]
    tools: list[Any] = [
        {
            "type": "function",
            "function": {key: tool[key] for key in ("name", "description", "parameters", "strict")},
        }
        for tool in TOOLS
    ]
    while True:
        completion = client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
        message: Any = completion.choices[0].message
        if not message.tool_calls:
            return completion
        messages.append(message.model_dump(exclude_none=True))
        messages += [
            {
                "role": "tool",
                "tool_call_id": call.id,
                "content": serve(call.function.name, call.function.arguments),
            }
            for call in message.tool_calls
        ]
