"""``layers.timeline``: who sent what to whom, in order, as a sequence diagram."""

from __future__ import annotations

from tfd2 import run_looks
from tfd2.elements import Board, Message, Scene, Sequence
from tfd2.run_boards import ALL_RUNS
from tfd2.steps import foot, step_text, title
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts
from tfstore.reading.figures import joined

KEY = "timeline"

STEPS = 150
"""Steps on the timeline at most; of more, there is no such board."""

TOOLS = 12
"""Tools with a lifeline of their own; the rest share one."""

_TOOL_LABELS = frozenset({"tool_call", "tool_output", "tool_error"})

_PATHS = {
    "user_message": ("user", "agent"),
    "assistant_call": ("agent", "model"),
    "reasoning": ("model", "model"),
    "approval_request": ("agent", "user"),
    "approval_response": ("user", "agent"),
    "assistant_message": ("agent", "user"),
    "context_compacted": ("model", "model"),
}


def timeline_board(facts: SessionFacts) -> Board | None:
    """Return the timeline, none if the session is too long for one or has nothing to say."""
    if facts.step_count > STEPS:
        return None
    tools = _tools(facts)
    scenes = [scene for run in facts.runs if (scene := _scene(run, tools)).messages]
    if not scenes:
        return None
    lifelines = {tools[name]: name for name in list(tools)[:TOOLS]}
    if len(tools) > TOOLS:
        lifelines["t_others"] = "other tools"
    actors = [("user", "User"), ("agent", "Agent"), ("model", "Model"), *lifelines.items()]
    title = ("Timeline: who sent what to whom, in order",)
    return Board(KEY, title, sequence=Sequence(actors, scenes), ways=[ALL_RUNS])


def _tools(facts: SessionFacts) -> dict[str, str]:
    """Return the key of each tool's lifeline."""
    names = dict.fromkeys(own.tool for own in facts.every if own.step.label in _TOOL_LABELS)
    return {name: f"t{n}" if n < TOOLS else "t_others" for n, name in enumerate(names)}


def _scene(run: RunFacts, tools: dict[str, str]) -> Scene:
    messages = [_message(own, tools) for own in run.steps if not own.is_snapshot]
    return Scene(run.key, run_looks.title(run), messages)


def _message(own: StepFacts, tools: dict[str, str]) -> Message:
    step = own.step
    look = "msg"
    if step.label == "tool_call":
        (source, target), look = ("agent", tools[own.tool]), "msg_tool"
    elif step.label in {"tool_output", "tool_error"}:
        (source, target), look = (tools[own.tool], "agent"), "msg_out"
    else:
        source, target = _PATHS.get(step.label, ("agent", "agent"))
    named = "t_others" in {source, target} or step.label.startswith("approval_")
    head = joined(f"{own.number} {title(own, named=named)}", *foot(step))
    look = "msg_err" if own.failed else look
    return Message(source, target, look, (head,), step_text(step), step.step_id)
