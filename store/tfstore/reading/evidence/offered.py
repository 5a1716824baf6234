"""What a model call was offered and asked for: the tools in force, their schemas, the format of its answer."""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen

from tfstore.document.documents import Json, Step
from tfstore.document.references import is_reference
from tfstore.reading.facts import SessionFacts, StepFacts
from tfstore.reading.model_calls import parts_of

_BRING_MORE: Final = frozenset({"tool_search", "namespace", "mcp", "programmatic_tool_calling"})
"""Types of tools by which a model comes to call what the request does not list."""


@frozen
class Offered:
    """The tools of a request: ``schemas`` by the name of the function, ``names`` of all that can be called.

    ``open`` says whether more than these may be called; ``snapshot`` is the step that holds them.
    """

    snapshot: StepFacts
    schemas: dict[str, Json]
    names: frozenset[str]
    open: bool


@frozen
class Wanted:
    """The format that an answer was asked for in: any JSON object, or what a schema describes."""

    schema: Json | None
    name: str = ""


def snapshot_of(facts: SessionFacts, call: StepFacts) -> StepFacts | None:
    """Return the step that holds the tools of a model call; None where it was given none."""
    for part in parts_of(call.step):
        if part.get("type") == "tools":
            return facts.steps.get(str(part.get("step_id")))
    return None


def offered_in(snapshot: StepFacts) -> Offered | None:
    """Return the tools that stand in a snapshot; None where not all of them can be read."""
    tools = snapshot.step.payload_started.get("tools")
    if not isinstance(tools, list) or snapshot.step.redactions:
        return None
    schemas: dict[str, Json] = {}
    names: set[str] = set()
    more = False
    for tool in tools:
        if not isinstance(tool, dict) or is_reference(tool):
            return None
        kind = str(tool.get("type") or "function")
        more = more or kind in _BRING_MORE or bool(tool.get("defer_loading"))
        inner = tool.get(kind)
        about: Json = inner if isinstance(inner, dict) and "name" in inner else tool
        name = about.get("name")
        names.add(name if isinstance(name, str) else kind)
        schema = about.get("parameters")
        if kind == "function" and isinstance(name, str) and isinstance(schema, dict) and is_whole(schema):
            schemas[name] = schema
    return Offered(snapshot, schemas, frozenset(names), more)


def wanted_of(call: Step) -> Wanted | None:
    """Return the JSON format that a model call was asked to answer in; None where it was asked for none."""
    given = call.payload_started.get("arguments")
    if not isinstance(given, dict):
        return None
    text = given.get("text")
    asked = given.get("response_format", text.get("format") if isinstance(text, dict) else None)
    if not isinstance(asked, dict):
        return None
    if asked.get("type") == "json_object":
        return Wanted(None)
    if asked.get("type") != "json_schema":
        return None
    inner = asked.get("json_schema", asked)
    schema = inner.get("schema") if isinstance(inner, dict) else None
    usable = isinstance(schema, dict) and is_whole(schema) and not call.redactions
    return Wanted(schema if usable else None, str(inner.get("name") or "") if isinstance(inner, dict) else "")


def is_whole(value: Any) -> bool:
    """Return whether a value stands in the document as it was sent: nothing in it kept apart, cut or folded."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if is_reference(each) or each.keys() == {"json", "nested"} or each.keys() == {"number"}:
                return False
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return True
