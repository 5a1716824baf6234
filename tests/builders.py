"""Documents for tests, made of only the telling details.

``a_step()`` makes a step, ``a_run()`` numbers steps, ``a_session()`` numbers runs. A step depends on the one
before it unless ``after`` names others by their number in the run (or a whole step id of another run).
"""

from __future__ import annotations

from typing import Any

from tfstore.document.documents import ErrorInfo, Lineage, Run, Session, Step, Usage

SESSION_ID = "sess_20260902T091400Z_7f3a9c01"

_TYPES = {
    "user_message": "chat.on_message",
    "assistant_call": "responses.request",
    "reasoning": "responses.reasoning",
    "assistant_message": "assistant.output",
}

_BEFORE = "before"


def a_step(
    label: Any = "user_message", text: str = "", *, after: tuple[int | str, ...] | None = None, **fields: Any
) -> Step:
    """Return a step whose text stands where its label keeps it; its id comes with its run."""
    started, completed = _payloads(label, text, fields)
    if label == "tool_error":
        fields.setdefault("error", ErrorInfo("tool", text))
        fields.setdefault("status", "failed")
    return Step(
        "",
        0,
        label,
        fields.pop("type", None) or _TYPES.get(label) or f"tool.{fields.get('tool_name') or 'x'}",
        depends_on=[_BEFORE] if after is None else [str(step) for step in after],
        payload_started=started,
        payload_completed=completed,
        **fields,
    )


def _payloads(label: str, text: str, fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    started: dict[str, Any] = dict(fields.pop("started", {}))
    completed: dict[str, Any] = dict(fields.pop("completed", {}))
    if label in {"user_message", "policy.snapshot"}:
        started.setdefault("text", text)
    elif label in {"tool_call", "approval_request"}:
        started.setdefault("arguments", text)
        started.setdefault("name", fields.get("tool_name"))
    elif label in {"tool_output", "tool_error"}:
        completed.setdefault("output", text)
    elif label == "context.snapshot":
        started.setdefault("preview", text)
    elif text:
        completed.setdefault("text", text)
    return started, completed


def a_run(*steps: Step, after: int | None = None, prompt: str | None = None, **fields: Any) -> Run:
    """Return a run of these steps; ``after`` is the number of the run it continues."""
    lineage = fields.pop("lineage", None) or Lineage()
    if after is not None:
        lineage.parent_run_id = f"run_{after}"
        lineage.source = "previous_response_id"
    if prompt is None:
        prompt = next((str(s.payload_started["text"]) for s in steps if s.label == "user_message"), "")
    fields = {"trigger": "user_message", "status": "completed", **fields}
    return Run("", input_text=prompt, lineage=lineage, steps=list(steps), **fields)


def a_session(*runs: Run, **fields: Any) -> Session:
    """Return a session of these runs, numbered, with the parents' responses found."""
    seq = 0
    for number, run in enumerate(runs, start=1):
        run.run_id = f"run_{number}"
        for position, step in enumerate(run.steps, start=1):
            seq += 1
            step.step_id, step.seq = f"step_{number}_{position}", seq
            step.depends_on = [_resolved(name, number, position) for name in step.depends_on]
            step.depends_on = [step_id for step_id in step.depends_on if step_id]
        _name_parent_response(run, runs)
    fields = {"title": "", "status": "closed", "result": "completed", **fields}
    return Session(fields.pop("session_id", SESSION_ID), runs=list(runs), **fields)


def _resolved(name: str, run: int, position: int) -> str:
    if name == _BEFORE:
        return f"step_{run}_{position - 1}" if position > 1 else ""
    return f"step_{run}_{name}" if name.isdigit() else name


def _name_parent_response(run: Run, runs: tuple[Run, ...]) -> None:
    lineage = run.lineage
    parent = next((other for other in runs if other.run_id and other.run_id == lineage.parent_run_id), None)
    if parent is None or lineage.parent_response_id is not None:
        return
    ids = [step.response_id for step in parent.steps if step.label == "assistant_call" and step.response_id]
    lineage.parent_response_id = ids[-1] if ids else None


def tokens(sent: int, received: int) -> Usage:
    """Return the usage of one call."""
    return Usage(input_tokens=sent, output_tokens=received, total_tokens=sent + received)


def a_chat(question: str = "Hello", answer: str = "Hi", *, response_id: str = "resp_1", **fields: Any) -> Run:
    """Return the smallest whole run: a prompt, a request, an answer."""
    return a_run(
        a_step("user_message", question),
        a_step(
            "assistant_call", model="gpt-4.1", response_id=response_id, duration_ms=900, usage=tokens(20, 5)
        ),
        a_step("assistant_message", answer),
        **fields,
    )
