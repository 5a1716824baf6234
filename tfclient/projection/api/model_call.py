"""What a model was asked and what it gave back, whichever API family carried it.

``responses`` and ``chat`` read their own wire format into these two; runs, lineage and steps are made from them
alone.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from attrs import define, field

from tfclient.projection.api.items import Item
from tfclient.projection.api.sent_prompts import Alignment, ReadItem, SentPrompts
from tfstore.document.documents import ErrorInfo, Usage
from tfstore.document.labels import Status


@define
class Policy:
    """One instruction of a request: the ``instructions`` field, or a system or developer message.

    ``place`` is the message's place in the list sent, None for the field.
    """

    source: str
    text: str
    raw: Any = None
    place: int | None = None


@define
class ModelRequest:
    """One model request, read. ``arguments`` is every field but input, instructions, tools and model.

    ``raws`` is the list of items or messages as sent, ``by_place`` the items that each of them stands for.
    """

    name: str
    type: str
    model: str | None = None
    arguments: dict[str, Any] = field(factory=dict[str, Any])
    raws: list[Any] = field(factory=list[Any])
    by_place: list[list[Item]] = field(factory=list[list[Item]])
    alignment: Alignment | None = None
    policies: list[Policy] = field(factory=list[Policy])
    tools: list[Any] = field(factory=list[Any])
    functions: int = 0
    """How many of the tools, the last ones, came from the legacy field ``functions``."""
    shape: str = "list"
    """How the input was sent: a ``list``, a ``single`` value, or ``absent``."""
    previous_response_id: str | None = None
    conversation_id: str | None = None
    template: dict[str, Any] | None = None
    unread: dict[str, Any] | None = None
    """What stands in for a body that could not be read as this API's JSON."""
    items: list[Item] = field(factory=list[Item])
    known_chain: list[bytes] = field(factory=list[bytes])
    """The contexts after its first items, where an earlier request began alike."""

    @property
    def shape_sent(self) -> dict[str, Any]:
        """How the input was sent, as the prompt's provenance says it: only what is not a list."""
        return {} if self.shape == "list" else {"input": self.shape}

    def take(self, raws: list[Any], sent: SentPrompts, reader: ReadItem) -> None:
        """Read the items sent, with the help of what was sent before; beside a link to it they are new."""
        self.raws = raws
        if self.previous_response_id is not None:
            self.by_place = [reader(raw, n) for n, raw in enumerate(raws)]
        else:
            self.by_place, self.alignment = sent.read(raws, reader)
        for place, items in enumerate(self.by_place):
            for item in items:
                self.items.append(item)
                if item.kind == "policy":
                    self.policies.append(Policy(str(item.role), item.text, raws[place], place))
        self.known_chain = sent.chain_of(self.items, self.alignment)


@define
class ModelResponse:
    """One model response, as far as it got. ``rest`` holds the fields that have no place of their own."""

    id: str | None = None
    status: Status = "completed"
    model: str | None = None
    outputs: list[Item] = field(factory=list[Item])
    """Its items; where ``indexed``, an item's ``index`` is its ``output_index``, else its place here is."""
    indexed: bool = False
    usage: Usage | None = None
    raw_usage: dict[str, Any] | None = None
    finish_reason: str | None = None
    incomplete_details: Any = None
    error: ErrorInfo | None = None
    conversation_id: str | None = None
    rest: dict[str, Any] = field(factory=dict[str, Any])
    body: Any = None
    """A body that was not this API's JSON: an error object, HTML of a proxy, text."""


def usage_in(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the ``usage`` of a body: its own, that of a choice, or of Groq's field; counts before zeros."""
    choices, groq = body.get("choices"), body.get("x_groq")
    holders = [body, groq, *(choices if isinstance(choices, list) else [])]
    found = [u for h in holders if isinstance(h, dict) and isinstance(u := h.get("usage"), dict)]
    counted = [u for u in found if (usage := usage_from(u)) is not None and usage.total_tokens]
    return next(iter([*counted, *found]), None)


def usage_from(raw: Any) -> Usage | None:
    """Return token counts from either family's ``usage`` object; None when there is none.

    Responses: ``input_tokens``, ``output_tokens`` and their details. Chat: ``prompt_tokens``, ``completion_tokens``.
    """
    if not isinstance(raw, dict):
        return None
    given = _details(raw, "input_tokens_details", "prompt_tokens_details")
    made = _details(raw, "output_tokens_details", "completion_tokens_details")
    usage = Usage(
        input_tokens=_count(raw, "input_tokens", "prompt_tokens"),
        output_tokens=_count(raw, "output_tokens", "completion_tokens"),
        cached_tokens=_count(given, "cached_tokens"),
        reasoning_tokens=_count(made, "reasoning_tokens"),
        total_tokens=_count(raw, "total_tokens"),
    )
    if not usage.total_tokens:
        usage.total_tokens = usage.input_tokens + usage.output_tokens
    return usage


def says_all(usage: Usage | None, raw: dict[str, Any]) -> bool:
    """Return whether these counts say all that the ``usage`` object of either family said.

    Example:
        >>> says_all(Usage(9, 2, 0, 0, 11), {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11})
        True
    """
    if usage is None:
        return False
    given, made = {"cached_tokens": usage.cached_tokens}, {"reasoning_tokens": usage.reasoning_tokens}
    said: dict[str, Any] = {"total_tokens": usage.total_tokens}
    for names, count, details in (
        (("input_tokens", "prompt_tokens"), usage.input_tokens, given),
        (("output_tokens", "completion_tokens"), usage.output_tokens, made),
    ):
        for name in names:
            said |= {name: count, f"{name}_details": details}
    return all(key in said and said[key] == value for key, value in raw.items())


def _details(raw: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        if isinstance(raw.get(name), dict):
            return dict(raw[name])
    return {}


def _count(raw: dict[str, Any], *names: str) -> int:
    for name in names:
        value = raw.get(name)
        if isinstance(value, float) and not isfinite(value):
            continue
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:18])
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value)
    return 0
