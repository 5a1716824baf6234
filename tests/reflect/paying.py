"""A program that pays a trip with a tool, by the real client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfclient import TracedOpenAI

TOOLS: Any = [
    {
        "type": "function",
        "name": "pay",
        "parameters": {
            "type": "object",
            "properties": {"card": {"type": "string"}, "to": {"type": "string"}},
        },
    }
]


def pay(client: TracedOpenAI, instructions: str, words: str, outputs: Iterable[str]) -> None:
    """Give the model each of the tool's outputs, and then have its answer, in a session."""
    history: list[Any] = [{"role": "user", "content": words}]
    with client.session() as session:
        for output in [*outputs, None]:
            made = client.responses.create(
                model="gpt-5", instructions=instructions, input=history, tools=TOOLS
            )
            if output is not None:
                (call,) = [each for each in made.output if each.type == "function_call"]
                history += [
                    call.to_dict(),
                    {"type": "function_call_output", "call_id": call.call_id, "output": output},
                ]
    assert session.wait(60)
