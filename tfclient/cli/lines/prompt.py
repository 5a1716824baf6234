"""The prompt of a model call as the model saw it: instructions, tools, what the server kept, what was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.steps import style_of
from tfd2.columns import one_line
from tfstore.document.documents import Session, Step
from tfstore.document.references import truncated
from tfstore.errors import BlobUnreadable
from tfstore.protocols import Reading
from tfstore.reading.facts import SessionFacts, StepFacts, gather
from tfstore.reading.figures import counted, joined, size
from tfstore.reading.model_calls import kept_before, model_call_of
from tfstore.reading.naming import short_step
from tfstore.reading.prompts import Prompt, has_prompt, prompt_of
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import name_of, said_in_line, word_of

INDENT: Final = "  "
_MEDIA: Final = re.compile(r"(?<=;base64,)[A-Za-z0-9+/_-]{1024,}={0,2}")
"""The bytes of a data URL: thousands of lines that nobody reads. Only what says that it is base64 is taken for it."""
_STYLES: Final = {
    "user": "bold cyan",
    "assistant": "bold blue",
    "tool": "bold green",
    "function": "bold green",
    "function_call": "bold yellow",
    "function_call_output": "bold green",
}


def prompt_for(store: Reading, session: Session, step: Step) -> Prompt:
    """Return the prompt of a model call, long values in their places where they are still there.

    Raises:
        Refused: the step is no model call, or its prompt cannot be put together.
    """
    if not has_prompt(step):
        call = model_call_of(session, step)
        hint = f" It belongs to {call.step_id}." if call is not None else ""
        raise Refused(f"{step.step_id} is a {step.label}: only a model call has a prompt.{hint}", USAGE)
    try:
        try:
            return prompt_of(session, step.step_id, store.blobs.get)
        except BlobUnreadable:
            return prompt_of(session, step.step_id)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Refused(
            f"The prompt of {step.step_id} in session {session.session_id} cannot be put together: it names "
            f"parts that the document does not have ({error}). `--step {step.step_id}` shows what there is."
        ) from error


def as_json(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as it stands in JSON."""
    return {
        "step_id": prompt.step_id,
        "instructions": prompt.instructions,
        "tools": prompt.tools,
        "previous_response_id": prompt.response_id,
        "items": prompt.items,
        "unknown": prompt.unknown,
        "request": prompt.request,
    }


def prompt_lines(session: Session, step: Step, prompt: Prompt, width: int) -> Iterator[Text]:
    """Yield a prompt's lines, texts whole."""
    facts = gather(session)
    own = next(each for each in facts.every if each.step is step)
    name = as_text(step.payload_started.get("name"))
    yield Text.assemble(
        (word_of(step), style_of(step)),
        (f" {name_of(own)}", "bold"),
        f" · {one_line(joined(short_step(step.step_id), name), width)}",
    )
    arguments = step.payload_started.get("arguments")
    if isinstance(arguments, dict):
        for key, value in arguments.items():
            if prompt.items and prompt.items == (value if isinstance(value, list) else [value]):
                continue
            for line in block(f"{key}: {_written(value)}", width, 2):
                yield Text(line, "dim")
    if prompt.unknown:
        yield from _titled("NOT KNOWN", counted(len(prompt.unknown), "thing"))
        for told in prompt.unknown:
            yield from _indented(told, width)
    if prompt.instructions is not None:
        written = _written(prompt.instructions)
        yield from _titled("INSTRUCTIONS", size(len(written.encode("utf-8", "surrogatepass"))))
        yield from _indented(written, width)
    if prompt.tools:
        yield from _titled("TOOLS", f"×{len(prompt.tools)}")
        for tool in prompt.tools:
            yield from _tool(tool, width)
    if prompt.response_id is not None:
        yield from _titled("KEPT BY THE SERVER", f"the context of {one_line(prompt.response_id, width - 38)}")
        yield from _kept(facts, own, width)
    yield from _titled("SENT", counted(len(prompt.items), "item"))
    for number, item in enumerate(prompt.items, start=1):
        yield from _item(number, item, width)


def _titled(title: str, about: str) -> Iterator[Text]:
    yield Text()
    yield Text.assemble((title, "bold"), (f" · {about}", "dim"))


def _indented(text: str, width: int, indent: str = INDENT) -> Iterator[Text]:
    for line in block(text, width - len(indent)):
        yield Text(f"{indent}{line}" if line else "")


def _written(value: Any) -> str:
    if truncated(value) is not None:
        return as_text(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _MEDIA.sub(lambda found: f"… {size(len(found[0]) * 3 // 4)} of base64, whole with --json …", text)


def _tool(tool: Any, width: int) -> Iterator[Text]:
    """Yield a tool as one would call it, and below what it says of itself."""
    function = tool.get("function") if isinstance(tool, dict) else None
    about = function if isinstance(function, dict) else tool
    if not isinstance(about, dict):
        yield from _indented(_written(tool), width)
        return
    name = as_text(about.get("name") or about.get("server_label") or about.get("type"))
    parameters = about.get("parameters")
    given = parameters.get("properties") if isinstance(parameters, dict) else None
    if isinstance(given, dict):
        call = f"{name}({', '.join(f'{key}: {_type(value)}' for key, value in given.items())})"
    else:
        rest = {key: value for key, value in about.items() if key not in {"name", "description"}}
        call = f"{name} {_written(rest)}" if rest else name
    yield from _indented(call, width)
    if said := as_text(about.get("description")):
        for told in _indented(said, width, INDENT * 2):
            told.stylize("dim")
            yield told


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "any"
    if isinstance(schema.get("enum"), list):
        return "|".join(map(str, schema["enum"]))
    kind = schema.get("type")
    return "|".join(map(str, kind)) if isinstance(kind, list) else str(kind or "any")


def _kept(facts: SessionFacts, own: StepFacts, width: int) -> Iterator[Text]:
    """Yield a line for each item that the server put before those that were sent."""
    kept = kept_before(facts, own)
    if not kept:
        yield Text(f"{INDENT}recorded elsewhere, or not at all", "dim")
    for part in kept:
        if part.own is not None:
            yield mention(part.own, width)
        else:
            yield Text(f"{INDENT}{one_line(_written(part.item), width - len(INDENT))}", "dim")


NUMBERS: Final = 4
"""Columns for a step's number in its mention; longer ones take what they need."""


def mention(own: StepFacts, width: int, indent: str = INDENT) -> Text:
    """Return a step in one line: its id, what it is, the beginning of what it says."""
    head = Text.assemble(
        (f"{indent}{short_step(own.step.step_id):<{NUMBERS}} ", "dim"),
        (word_of(own.step), style_of(own.step)),
    )
    if name := name_of(own):
        head.append(f" {name}", "bold")
    joint = "" if own.step.label in {"tool_call", "approval_request"} else " "
    said = said_in_line(own.step)[:2_000]
    head.append(joint).append(
        one_line(said, max(width - head.cell_len - 1, 8)), "red" if own.failed else "dim"
    )
    head.rstrip()
    return head


def _item(number: int, item: Any, width: int) -> Iterator[Text]:
    about = item if isinstance(item, dict) else {"role": "user"}
    kind = as_text(about.get("role") or about.get("type")) or "item"
    name, call_id = as_text(about.get("name")), as_text(about.get("call_id") or about.get("tool_call_id"))
    yield Text.assemble(
        (f"{number} ", "dim"),
        (one_line(kind, 30).upper().replace("_", " "), _STYLES.get(kind, "bold")),
        (f" {one_line(name, 40)}" if name else "", "bold"),
        (f" {one_line(call_id, 40)}" if call_id else "", "dim"),
    )
    for text in texts_of(item):
        yield from _indented(text, width)


def texts_of(item: Any) -> Iterator[str]:
    """Yield what an input item says: texts as they are, all else as JSON.

    Example:
        >>> list(texts_of({"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}))
        ['Hello']
    """
    if not isinstance(item, dict):
        yield _written(item)
        return
    values = [item.get(key) for key in ("content", "arguments", "input", "output", "summary")]
    said = [
        part
        for value in values
        for part in (value if isinstance(value, list) else [value])
        if value is not None
    ]
    for part in said:
        text = part.get("text") if isinstance(part, dict) and truncated(part) is None else None
        yield _written(part if text is None else text)
    calls = item.get("tool_calls") or ()
    yield from map(_written, calls)
    if not said and not calls:
        rest = {key: value for key, value in item.items() if key not in {"type", "role"}}
        yield json.dumps(rest, ensure_ascii=False)
