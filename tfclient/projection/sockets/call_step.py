"""The ``assistant_call`` of a response: what the model was given, and where from."""

from __future__ import annotations

from typing import Any, Protocol

from tfclient.projection.api.model_call import ModelRequest, Policy
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.requests import Asked
from tfclient.projection.sockets.taken_up import TakenUp
from tfclient.projection.steps.snapshots import take_policies, take_tools
from tfclient.projection.wire.hosts import place_of
from tfstore.document.documents import Step

_APART = frozenset({"instructions", "tools", "input"})
"""What a request says that is not among the arguments of the call."""


class Configured(Protocol):
    """What a model has been told once, for all of its responses."""

    @property
    def told(self) -> dict[str, Any]:
        """Instructions, tools and the like, by name."""
        ...

    @property
    def model(self) -> str | None:
        """The model's name."""
        ...


def call_step(
    conversation: Conversation,
    config: Configured,
    taken: TakenUp,
    asked: Asked | None,
    by: str,
    at: int,
    last: Node | None,
    kind: str = "realtime.response",
) -> Step:
    """Add the step of a response that begins and follows another; ``by`` says who asked for it."""
    book, run = conversation.opening.book, taken.run
    own = asked.response if asked is not None else {}
    request = ModelRequest(f"openai.{kind}", kind, config.model)
    tools = own.get("tools", config.told.get("tools"))
    request.tools = tools if isinstance(tools, list) else []
    given = own.get("instructions") or config.told.get("instructions")
    words = given if isinstance(given, str) else ""
    policy = take_policies(book, run, [Policy("instructions", words, words)] if words else [], at)
    schemas = take_tools(book, run, request, at)
    news = [*taken.prompts, *taken.outputs]
    payload = _started(conversation, request, own, by)
    payload["input"] = [each.step_id for each in news]
    payload["prompt_provenance"] = {"parts": _parts(last, policy, schemas, taken.context, news)}
    step = book.add(run, "assistant_call", kind, at, status="in_progress", payload_started=payload)
    step.model = config.model
    carried = [*news, *(each for each in (taken.context, policy, schemas) if each is not None)]
    step.depends_on = list(dict.fromkeys(each.step_id for each in carried))
    if last is not None and last.last_step_id not in {None, *step.depends_on}:
        step.depends_on.append(str(last.last_step_id))
    is_greeting = not taken.prompts and run.prompt_step_id is None and run.run.trigger == "system"
    if is_greeting and policy is not None:
        book.prompt(run, policy)
        run.run.input_text = conversation.opening.provenance.lightener.shown(words, "the policy.snapshot")
    return step


def _started(
    conversation: Conversation, request: ModelRequest, own: dict[str, Any], by: str
) -> dict[str, Any]:
    payload: dict[str, Any] = {"name": request.name, "model": request.model}
    place = place_of(conversation.connection.url)
    payload |= {k: v for k, v in place.items() if k != "path" or place.get("provider") != "openai"}
    payload |= {"transport": "websocket", "socket": conversation.connection.socket, "asked_by": by}
    if conversation.connection.played is not None:
        payload["played"] = conversation.connection.played
    arguments = {k: v for k, v in own.items() if k not in _APART}
    if own.get("input") is not None:
        arguments["input"] = own["input"]
    payload["arguments"] = arguments
    return payload


def _parts(
    last: Node | None,
    policy: Step | None,
    schemas: Step | None,
    context: Step | None,
    news: list[Step],
) -> list[dict[str, Any]]:
    """Return which steps hold what the model was given, in its order."""
    parts: list[dict[str, Any]] = []
    if policy is not None:
        parts.append({"type": "instructions", "step_id": policy.step_id})
    if schemas is not None:
        parts.append({"type": "tools", "step_id": schemas.step_id})
    if last is not None and last.response_id:
        parts.append({"type": "response", "step_id": last.step.step_id, "response_id": last.response_id})
    if context is not None:
        count = context.payload_started.get("count") or 0
        parts += [
            {"type": context.label, "step_id": context.step_id} | ({"place": n} if n else {})
            for n in range(count)
        ]
    return parts + [{"type": each.label, "step_id": each.step_id} for each in news]
