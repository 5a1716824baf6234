"""One step in full: its error, its parts, the facts about it, what it hangs together with, its prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tfstore.document.documents import Json, Step
from tfstore.document.labels import BY_DESIGN, OPEN_STATUSES
from tfstore.reading.facts import SessionFacts, StepFacts
from tfstore.reading.figures import counted, joined
from tfstore.reading.model_calls import Seen, SeenPrompt, outputs_of, seen_prompt
from tfstore.reading.plain_text import brief
from tfstore.reading.prompts import has_prompt
from tfstore.reading.shown.places import COMPLETED, LINE, STARTED, media_of, said_in, telling
from tfstore.reading.step_facts import error_words, facts_of
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import name_of

_ANSWERS: Final = frozenset({"tool_output", "tool_error"})
_LISTED: Final = {"tool.schemas.snapshot": "tools", "context.snapshot": "items"}
"""What of a payload stands in place of what the step says."""

_TITLES: Final = {
    "user_message": "Prompt",
    **dict.fromkeys(("tool_call", "approval_request"), "Arguments"),
    **dict.fromkeys(("tool_output", "tool_error"), "Output"),
}


def details_of(facts: SessionFacts, own: StepFacts, *, prompt: bool = True) -> Json:
    """Return one step in full: its error, its parts, the facts about it, what it hangs together with, its prompt.

    A part has a ``title`` and what stands there: ``at`` a place of ``step``, or as ``text``; or it is ``told``.
    """
    step = own.step
    evidence = as_text(step.payload_completed.get("evidence"))
    error = step.error
    origins = dict.fromkeys((step.origin.prompt_step_id, step.origin.root_prompt_step_id))
    links = {
        "Depends on": [each.step.step_id for each in facts.depends_on(own)],
        "Leads to": [each.step.step_id for each in facts.leads_to(own)],
        "Origin": [each for each in origins if each and each != step.step_id],
    }
    return telling(
        error=telling(
            title=joined("error", error_words(error) if error else ""),
            at=["error", "message"] if error and error.message else None,
            told=f"known by: {evidence}" if evidence else "",
        )
        if error or evidence
        else None,
        parts=list(_parts(facts, own)),
        facts=[fact for fact in facts_of(step) if fact[0] != "error"],
        links=[(title, ids) for title, ids in links.items() if ids],
        prompt=_prompt(facts, own) if prompt and has_prompt(step) else None,
    )


def _parts(facts: SessionFacts, own: StepFacts) -> Iterator[Json]:
    step, began, ended = own.step, own.step.payload_started, own.step.payload_completed
    said = said_in(step)
    if step.label == "assistant_call":
        yield from _outputs(facts, own)
        if began.get("arguments"):
            yield {"title": "Arguments", "step": step.step_id, "at": [STARTED, "arguments"]}
    elif step.label in _ANSWERS and step.error is not None:
        # What went wrong stands above.
        if (output := as_text(ended.get("output"))) and output != step.error.message:
            yield {"title": "Output", "step": step.step_id, "at": [COMPLETED, "output"]}
    else:
        name = _LISTED.get(step.label, "")
        invalid = "The model sent arguments that are not JSON." if began.get("arguments_invalid") else ""
        value = {"at": [STARTED, name]} if began.get(name) else said
        yield {"title": _title(own), "step": step.step_id, **telling(told=invalid), **value}
    yield from ({"step": step.step_id, "at": place} for place in media_of(step, said))
    if ended.get("traceback"):
        yield {"title": "Traceback", "step": step.step_id, "at": [COMPLETED, "traceback"]}
    if step.label == "tool_call":
        yield from _answers(facts, own)
    elif step.label in _ANSWERS and own.call is not None:
        yield {"title": "Arguments", "step": own.call.step.step_id, "link": True, **said_in(own.call.step)}
    elif step.label == "generic" and began and ended:
        yield {"title": "Arguments", "step": step.step_id, "at": [STARTED]}


def _title(own: StepFacts) -> str:
    """Return what a step's own part is called."""
    version = own.step.payload_started.get("version")
    match own.step.label:
        case "tool.schemas.snapshot":
            return f"Tools {name_of(own)}"
        case "context.snapshot":
            return f"Sent, never recorded {name_of(own)}"
        case "policy.snapshot":
            return joined("Instructions", f"version {as_text(version)}" if version else "")
        case label:
            return _TITLES.get(label, "Text")


def _outputs(facts: SessionFacts, call: StepFacts) -> Iterator[Json]:
    title = "Output"
    for own in outputs_of(facts, call):
        said = said_in(own.step) if own.step.label in {"assistant_message", "tool_call"} else {}
        yield {**telling(title=title), "step": own.step.step_id, "link": True, **said}
        title = ""
    if title:
        name = next((name for name in ("text", "body") if call.step.payload_completed.get(name)), "")
        told = "Still answering…" if call.step.status in OPEN_STATUSES else "No output."
        value = {"at": [COMPLETED, name]} if name else {"told": told}
        yield {"title": title, "step": call.step.step_id, **value}


def _answers(facts: SessionFacts, call: StepFacts) -> Iterator[Json]:
    answers = [own for own in facts.leads_to(call) if own.step.label in _ANSWERS]
    for own in answers:
        title = "Error" if own.step.label == "tool_error" else "Output"
        yield {"title": title, "step": own.step.step_id, "link": True, **said_in(own.step)}
    if not answers:
        yield {"title": "Output", "told": _unanswered(call.step)}


def _unanswered(call: Step) -> str:
    if call.status == "unresolved":
        return "Nobody answered this call."
    if BY_DESIGN.intersection(call.notes):
        return "Nobody need answer this call: " + (
            "another agent goes on." if "handover" in call.notes else "its arguments are the answer."
        )
    return "No output was recorded."


def _prompt(facts: SessionFacts, own: StepFacts) -> Json:
    try:
        prompt = seen_prompt(facts, own)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        prompt = SeenPrompt(unknown=[f"its parts, which cannot be read ({error})"])
    items = len(prompt.fixed) + len(prompt.history) + len(prompt.new)
    return {
        "title": joined("Prompt as the model saw it", counted(items, "part")),
        **{name: [_seen(each) for each in getattr(prompt, name)] for name in ("fixed", "history", "new")},
        "unknown": prompt.unknown,
    }


def _seen(part: Seen) -> Json:
    if part.own is None:
        item = part.item
        kind = as_text(item.get("type") or item.get("role")) if isinstance(item, dict) else ""
        word = brief(kind or "item", LINE).upper().replace("_", " ")
        return {"item": item, "word": word, "line": brief(as_text(item), LINE)}
    step = part.own.step
    name = "content" if step.label == "user_message" else _LISTED.get(step.label, "")
    given = [STARTED, name] if step.payload_started.get(name) else None
    return {"step": step.step_id, **telling(at=given, sent=part.sent)}
