"""What tools were called with: arguments that are no JSON, break the schema, or come from nowhere; unknown tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tfclient.reflect.findings.citing import Cited
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.findings.kinds.schemas import breaks
from tfclient.reflect.quoting import named, quoted
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.identifiers import Sources, identifier, leaves
from tfstore.reading.evidence.offered import is_whole
from tfstore.reading.evidence.sources import beginnings_unknown, texts_of
from tfstore.reading.evidence.tool_calls import ToolCall

INVENTED_MOST: Final = 50
"""Identifiers without a source in one session; where there are more, the program makes them, and none is told."""


def _finished(call: ToolCall) -> bool:
    """Return whether the response that asked for a call came whole: of one that was cut, arguments are cut too."""
    return call.asked_by is not None and call.asked_by.step.status == "completed"


@kind("arguments_not_json", "high")
def arguments_not_json(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A function was called with arguments that are no JSON."""
    for call in evidence.tool_calls:
        step = call.own.step
        invalid = step.payload_started.get("arguments_invalid") and call.is_function and not step.redactions
        if invalid and _finished(call):
            yield Cited(
                [call.own],
                f"{named(call.tool)} was called with arguments that are not JSON: {quoted(call.arguments, 120)}",
                data={"tool": call.tool},
            )


@kind("arguments_break_schema", "high", on_trial=True, needs="jsonschema")
def arguments_break_schema(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A function was called with arguments that its schema does not allow."""
    for call in evidence.tool_calls:
        if not call.is_function or call.asked_by is None or not isinstance(call.arguments, dict):
            continue
        offered = evidence.offered_to(call.asked_by)
        schema = offered.schemas.get(call.tool) if offered is not None else None
        if schema is None or offered is None or call.own.step.redactions or not is_whole(call.arguments):
            continue
        broken = breaks(schema, call.arguments)
        if broken:
            yield Cited(
                [call.own, offered.snapshot],
                f"{named(call.tool)} was called with {quoted(call.arguments)}, "
                f"which breaks its schema: {quoted(broken, 160)}",
                data={"tool": call.tool},
            )


@kind("tool_unknown", "high", on_trial=True)
def tool_unknown(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A function was called that the request did not offer."""
    for call in evidence.tool_calls:
        if not call.is_function or call.asked_by is None or "namespace" in call.own.step.payload_started:
            continue
        offered = evidence.offered_to(call.asked_by)
        if offered is None or offered.open or not offered.names or call.tool in offered.names:
            continue
        yield Cited(
            [call.own, offered.snapshot],
            f"{named(call.tool)} was called, which is none of the {len(offered.names)} tools of the request",
            data={"tool": call.tool},
        )


@kind("argument_unsourced", "medium", "heuristic", on_trial=True)
def argument_unsourced(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A function was called with an identifier that nothing before it holds."""
    found = list(_unsourced(evidence))
    if len({value for _, _, value in found}) > INVENTED_MOST:
        return
    told: set[tuple[str, str]] = set()
    for call, name, value in found:
        if (call.thread, value) not in told:
            told.add((call.thread, value))
            yield Cited(
                [call.own],
                f"{named(call.tool)} was called with {named(name)} {quoted(value)}, which nothing before it holds",
                data={"tool": call.tool, "argument": name, "value": value},
            )


def _unsourced(evidence: Evidence) -> Iterator[tuple[ToolCall, str, str]]:
    if evidence.session.redaction.mode not in {"secrets", "none"}:
        return
    unknown = beginnings_unknown(evidence)
    calls = {id(call.own): call for call in evidence.tool_calls}
    sources = Sources()
    looked: dict[str, None] = {}
    for own in evidence.ordered:
        call = calls.get(id(own))
        if call is not None and _can_be_told(call, unknown):
            yield from ((call, name, value) for name, value in _new_in(call, sources, looked))
        for text in texts_of(own.step):
            sources.add(text)


def _can_be_told(call: ToolCall, unknown: set[str]) -> bool:
    seen = call.is_function and call.asked_by is not None and call.thread not in unknown
    # What a program of the model's own calls, it composes.
    return seen and not call.own.step.redactions and "caller" not in call.own.step.payload_started


def _new_in(call: ToolCall, sources: Sources, looked: dict[str, None]) -> Iterator[tuple[str, str]]:
    for name, value in leaves(call.arguments):
        wanted: Any = identifier(value)
        if not wanted or sources.has_word(wanted):
            continue
        # Only what no word is gets looked for in all that was said; so many are not one model's mistakes.
        if wanted not in looked and len(looked) > INVENTED_MOST:
            continue
        if not sources.has(wanted):
            looked[wanted] = None
            yield name, wanted


KINDS: Final[tuple[Kind, ...]] = (
    arguments_not_json,
    arguments_break_schema,
    tool_unknown,
    argument_unsourced,
)
