"""``layers.timeline``: who sent what to whom, in order, as a sequence diagram."""

from __future__ import annotations

from tfd2 import run_looks
from tfd2.board_pages import Piece, piece_count, pieces_of
from tfd2.columns import ends
from tfd2.elements import Board, Message, Scene, Sequence
from tfd2.run_boards import ALL_RUNS
from tfd2.steps import foot, head, remarks, text
from tfstore.reading.evidence import loops
from tfstore.reading.facts import Loop, RunFacts, SessionFacts, StepFacts

KEY = "timeline"

STEPS = 150
"""Steps and loops on the timeline at most; of more, there is no such board."""

NAME_COLUMNS = 16
"""Of the name of a tool's lifeline."""

TOOLS = 3
"""Lifelines of tools at most; of more tools, the last one is shared."""

OTHERS = "t_others"
"""The key of the lifeline that tools share."""

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
    if sum(map(piece_count, facts.runs)) > STEPS:
        return None
    tools = _tools(facts)
    scenes = [scene for run in facts.runs if (scene := _scene(facts, run, pieces_of(run), tools)).messages]
    if not scenes:
        return None
    lifelines = {
        key: "other tools" if key == OTHERS else ends(name, NAME_COLUMNS) for name, key in tools.items()
    }
    actors = [("user", "User"), ("agent", "Agent"), ("model", "Model"), *lifelines.items()]
    title = ("Timeline: who sent what to whom, in order",)
    return Board(KEY, title, sequence=Sequence(actors, scenes), ways=[ALL_RUNS])


def _tools(facts: SessionFacts) -> dict[str, str]:
    """Return the key of each tool's lifeline."""
    names = dict.fromkeys(own.tool for own in facts.every if own.step.label in _TOOL_LABELS)
    own = len(names) if len(names) <= TOOLS else TOOLS - 1
    return {name: f"t{n}" if n < own else OTHERS for n, name in enumerate(names)}


def _scene(facts: SessionFacts, run: RunFacts, pieces: list[Piece], tools: dict[str, str]) -> Scene:
    messages = [
        _message(facts, piece.first, tools) if piece.loop is None else _loop(piece.loop, tools)
        for piece in pieces
        if not piece.first.is_snapshot
    ]
    return Scene(run.key, run_looks.title(run), messages)


def _loop(loop: Loop, tools: dict[str, str]) -> Message:
    call = loop.calls[0]
    look = "msg_err" if loop.fails else "msg_tool"
    head = (loops.span(loop), loops.name(loop))
    return Message("agent", tools[call.tool], look, head, text(call), loop.steps[0].step.step_id)


def _message(facts: SessionFacts, own: StepFacts, tools: dict[str, str]) -> Message:
    step = own.step
    look = "msg"
    if step.label == "tool_call":
        (source, target), look = ("agent", tools[own.tool]), "msg_tool"
    elif step.label in {"tool_output", "tool_error"}:
        (source, target), look = (tools[own.tool], "agent"), "msg_out"
    else:
        source, target = _PATHS.get(step.label, ("agent", "agent"))
    look = "msg_err" if own.failed else look
    return Message(
        source, target, look, (head(own),), text(own), step.step_id, remarks(facts, own), foot(step)
    )
