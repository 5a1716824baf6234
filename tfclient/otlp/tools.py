"""What the span of a tool says: who runs it, what it was given, what it gave."""

from __future__ import annotations

from typing import Any

from tfclient.otlp import conventions as name
from tfclient.otlp.parts import Reader, as_json, fit
from tfclient.otlp.span import Attributes
from tfstore.document.documents import Step
from tfstore.document.item_types import item_type
from tfstore.reading.facts import StepFacts
from tfstore.reading.step_text import as_text, text_of


def called(own: StepFacts) -> str:
    """Return what a tool is called."""
    return own.tool or as_text(own.step.payload_started.get("name")) or "tool"


def attributes_of_tool(own: StepFacts) -> Attributes:
    """Return what the span of a call of a tool says, but for its texts."""
    step = own.step
    made: Attributes = {
        name.OPERATION: name.EXECUTE_TOOL,
        name.TOOL_NAME: fit(called(own)),
        name.TOOL_TYPE: "extension" if is_hosted(step) else "function",
        name.STATUS: step.status,
    }
    made |= {name.TOOL_CALL_ID: fit(step.call_id)} if step.call_id else {}
    return made | ({name.TIMING: step.timing} if step.timing else {})


def content_of_tool(step: Step, answer: StepFacts | None, reader: Reader) -> Attributes:
    """Return what a tool was given and what it gave, ``answer`` being the step that says the latter, if one does."""
    made: Attributes = {}
    given = reader.texts(_arguments(step))
    if given is not None:
        text = fit(given) if isinstance(given, str) else as_json(given)
        made |= {name.TOOL_ARGUMENTS: text, name.INPUT_VALUE: text}
    result = _result(step, answer, reader)
    if result is not None:
        text = fit(result) if isinstance(result, str) else as_json(result)
        made |= {name.TOOL_RESULT: text, name.OUTPUT_VALUE: text}
    return made


def is_hosted(step: Step) -> bool:
    """Return whether the provider runs the tool of a call."""
    if step.label != "tool_call":
        return False
    row = item_type(str(step.payload_started.get("type") or "function_call"))
    return row.answered_by == "provider" or (
        row.answered_by == "either" and step.payload_started.get("execution") == "server"
    )


def _arguments(step: Step) -> Any:
    given = step.payload_started
    if given.get("arguments") is not None:
        return given["arguments"]
    return text_of(step) or None


def _result(step: Step, answer: StepFacts | None, reader: Reader) -> Any:
    if answer is not None:
        output = reader.texts(answer.step.payload_completed.get("output"))
        return text_of(answer.step) if output is None or isinstance(output, list) else output
    if step.label == "generic":
        return reader.texts(step.payload_completed.get("result"))
    row = item_type(str(step.payload_started.get("type") or ""))
    for held in (step.payload_started, step.payload_completed):
        if row.result and held.get(row.result) is not None:
            return reader.texts(held[row.result])
    return None
