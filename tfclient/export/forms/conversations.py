"""A session's conversations as chat messages: what OpenAI's fine-tuning and evals read, a line each.

A conversation ends where no other call goes on from an answer: a session with a fork has two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from tfclient.export.chat_messages import messages_of
from tfstore.errors import StoreError
from tfstore.reading.calls.contexts import Contexts
from tfstore.reading.facts import StepFacts, gather
from tfstore.reading.model_calls import outputs_of, parts_of
from tfstore.reading.prompts import whole

if TYPE_CHECKING:
    from tfstore.document.documents import Json, Session

ReadBlob = Callable[[str], bytes]


@frozen
class Conversation:
    """The messages of one conversation, its tools, and by type how much of it has no place in them."""

    step_id: str
    messages: list[Json]
    tools: list[Json] = field(factory=list["Json"])
    left_out: Counter[str] = field(factory=Counter[str])

    def as_json(self) -> Json:
        """Return it as a line of a file for fine-tuning."""
        return {"messages": self.messages, **({"tools": self.tools} if self.tools else {})}


def conversations_of(session: Session, read_blob: ReadBlob | None = None) -> Iterator[Conversation]:
    """Yield the conversations of a session, in the order of their last calls.

    Args:
        session: its document.
        read_blob: gives what is kept apart; without it, long texts stay references.

    Example:
        >>> from tfstore.document.documents import Session
        >>> list(conversations_of(Session("sess_1")))
        []
    """
    facts = gather(session)
    contexts = Contexts(facts)
    calls = [own for own in facts.every if own.step.label == "assistant_call" and outputs_of(facts, own)]
    gone_on_from = {name for own in calls for name in _before(own)}
    for call in calls:
        if call.step.step_id in gone_on_from:
            continue
        parts = [*reversed(list(contexts.newest_first(call))), *contexts.output_parts(call)]
        items = [item for part in parts if (item := contexts.item(part)) is not None]
        instructions, tools = _fixed(contexts, call)
        made = messages_of(_whole({"instructions": instructions, "input": items}, read_blob))
        left_out = Counter(made.left_out)
        left_out["part of the prompt that is not recorded here"] += len(parts) - len(items)
        offered = list(_tools(_whole(tools, read_blob), left_out))
        yield Conversation(call.step.step_id, made.listed, offered, +left_out)


def _before(call: StepFacts) -> Iterator[str]:
    """Yield the calls whose answer, or whose prompt, a call goes on from."""
    for part in parts_of(call.step):
        if part.get("type") in {"resent", "response"} and isinstance(part.get("step_id"), str):
            yield part["step_id"]


def _fixed(contexts: Contexts, call: StepFacts) -> tuple[Any, Any]:
    instructions: Any = None
    tools: Any = []
    for part in parts_of(call.step):
        if part.get("type") == "instructions":
            instructions = contexts.item(part)
        elif part.get("type") == "tools":
            own = contexts.facts.steps.get(str(part.get("step_id")))
            tools = [] if own is None else own.step.payload_started.get("tools")
    return instructions, tools


def _whole(value: Any, read_blob: ReadBlob | None) -> Any:
    try:
        return whole(value, read_blob)
    except (StoreError, OSError, ValueError):
        return whole(value, None)


def _tools(tools: Any, left_out: Counter[str]) -> Iterator[Json]:
    for tool in tools if isinstance(tools, list) else ():
        kind = tool.get("type", "function") if isinstance(tool, dict) else "tool"
        if not isinstance(tool, dict) or kind != "function":
            left_out[f"tool {kind}"] += 1
            continue
        held = tool.get("function") if isinstance(tool.get("function"), dict) else tool
        names = ("name", "description", "parameters", "strict")
        function = {name: held[name] for name in names if held.get(name) is not None} if held else {}
        yield {"type": "function", "function": function}
