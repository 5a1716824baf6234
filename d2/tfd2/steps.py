"""Steps as nodes, the words on them and the tooltips behind them; a loop as one."""

from __future__ import annotations

from typing import Final

from tfd2.board_pages import Piece, loop_key
from tfd2.columns import cut, ends
from tfd2.elements import Lines, Node, Tooltip
from tfd2.theme import look_of
from tfstore.document.documents import Step
from tfstore.reading.evidence import loops
from tfstore.reading.facts import Loop, SessionFacts, StepFacts
from tfstore.reading.figures import counted, duration, joined, traffic
from tfstore.reading.step_facts import error_words
from tfstore.reading.step_text import as_text, text_of
from tfstore.reading.step_words import name_of, outcome_of, remarks_on, said_in_line, took, word_of

ATTEMPTS_SHOWN: Final = 4
NAME_COLUMNS: Final = 26
"""Of a tool's or model's name, so that shapes stay narrow."""

IDS_SHOWN: Final = 12
"""Ids in one line of a tooltip; of more it says how many."""


def step_node(facts: SessionFacts, own: StepFacts) -> Node:
    """Return the node of one step."""
    step = own.step
    return Node(
        own.key,
        looks(own),
        (head(own),),
        text(own),
        foot(step),
        tooltip(own),
        step_id=step.step_id,
        remarks=remarks(facts, own),
    )


def looks(own: StepFacts) -> Lines:
    """Return the classes of a step: its kind's, dashed when it is not finished, or the error's."""
    if own.failed:
        return ("error",)
    look = look_of(own.step.label)
    return (look,) if own.step.status in {"completed", "failed"} else (look, "unfinished")


def head(own: StepFacts, *, named: bool = True) -> str:
    """Return the first line, as command and page name a step: ``2.7 ERROR get_weather``."""
    name = ends(name_of(own), NAME_COLUMNS) if named or own.step.label == "generic" else ""
    return f"{own.name} {word_of(own.step)} {name}".rstrip()


def remarks(facts: SessionFacts, own: StepFacts) -> str:
    """Return what is worth knowing of how a step went, in the words of command and page."""
    asked = 0
    if own.step.label == "assistant_call":
        asked = sum(after.step.label == "tool_call" for after in facts.leads_to(own))
    return joined(remarks_on(own, asked), _ending(own.step))


def text(own: StepFacts) -> str:
    """Return the words of a step; a call's arguments in brackets."""
    return said_in_line(own.step)


def _ending(step: Step) -> str:
    if step.error is not None or step.ending in {None, "completed"}:
        return ""
    return f"ending: {as_text(step.ending).replace('_', ' ')}"


def foot(step: Step) -> Lines:
    """Return the last line: duration and tokens."""
    line = joined(took(step), traffic(step.usage) if step.usage else "")
    return (line,) if line else ()


def tooltip(own: StepFacts) -> Tooltip:
    """Return everything about a step that has room in a tooltip, its id first."""
    step, error = own.step, own.step.error
    facts = (
        f"step {joined(step.step_id, step.label, step.status)}",
        _responses(step),
        f"call_id {step.call_id}" if step.call_id else "",
        f"retry of {own.retry_of.step.step_id}" if own.retry_of else "",
        f"depends_on {listed(step.depends_on)}" if step.depends_on else "",
        joined(step.started_at and f"started {step.started_at}", *foot(step)),
        _ending(step),
        *(
            f"attempt {joined(str(attempt.n), outcome_of(attempt), duration(attempt.duration_ms or 0))}"
            for attempt in (step.attempts[:IDS_SHOWN] if len(step.attempts) > 1 else ())
        ),
        f"error {joined(error_words(error), error.message)}" if error else "",
        counted(len(step.redactions), "value") + " redacted or cut" if step.redactions else "",
        *step.notes[:ATTEMPTS_SHOWN],
    )
    said = text_of(step)
    is_error_text = error is not None and said == error.message
    return Tooltip(tuple(fact for fact in facts if fact), "" if is_error_text else said)


def _responses(step: Step) -> str:
    own = f"response_id {step.response_id}" if step.response_id else ""
    previous = f"previous_response_id {step.previous_response_id}" if step.previous_response_id else ""
    return " ← ".join(part for part in (own, previous) if part)


def listed(ids: list[str]) -> str:
    """Return ids in one line, and of many how many more there are."""
    more = f" and {len(ids) - IDS_SHOWN} more" if len(ids) > IDS_SHOWN else ""
    return ", ".join(ids[:IDS_SHOWN]) + more


def loop_node(piece: Piece, loop: Loop) -> Node:
    """Return the one node of a loop, which leads to a board of all its steps."""
    said = [
        part
        for call, answer in zip(loop.calls, loop.answers, strict=False)
        for part in (f"{call.tool}{said_in_line(call.step)}", f"→ {text_of(answer.step)}")
    ]
    parts = loops.stretches(loop.steps)
    facts = (
        f"{counted(len(loop.steps), 'step')} in {counted(loop.times, 'round')}: {listed(parts)}",
        f"step {loop.steps[0].step.step_id} to step {loop.steps[-1].step.step_id}",
    )
    return Node(
        piece.first.key,
        ("loop_failed" if loop.fails else "loop",),
        (loops.span(loop), cut(loops.name(loop), 2 * NAME_COLUMNS)),
        "\n".join(said[:ATTEMPTS_SHOWN]),
        (f"{counted(len(loop.steps), 'step')}: board {loop_key(piece)}",),
        tooltip=Tooltip(facts, "\n".join(said)),
        link=loop_key(piece),
    )
