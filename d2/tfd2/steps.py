"""Steps as nodes, the words on them and the tooltips behind them, and the edges between them."""

from __future__ import annotations

from tfd2.columns import cut
from tfd2.elements import Edge, Lines, Node, Tooltip
from tfd2.theme import look_of
from tfstore.document.documents import Step
from tfstore.reading.facts import SessionFacts, StepFacts, policy_version
from tfstore.reading.figures import counted, duration, joined, status_word, traffic
from tfstore.reading.step_facts import error_words
from tfstore.reading.step_text import as_text, text_of
from tfstore.reading.step_words import attempts_of, full_word_of, is_refusal, name_of, outcome_of, took

ANSWERS = frozenset({"tool_output", "tool_error", "approval_response"})
ATTEMPTS_SHOWN = 4
NAME_COLUMNS = 32
"""Of a tool's or model's name, so that the status after it is never cut."""

IDS_SHOWN = 12
"""Ids in one line of a tooltip; of more it says how many."""

SNAPSHOTS_PER_NODE = 20
"""So that all their ids have room in one tooltip."""


def step_node(own: StepFacts) -> Node:
    """Return the node of one step."""
    step = own.step
    said = step_text(step)
    return Node(own.key, looks(own), (head(own),), said, foot(step), tooltip(own), step_id=step.step_id)


def looks(own: StepFacts) -> Lines:
    """Return the classes of a step: its kind's, dashed when it is not finished, or the error's."""
    if own.failed:
        return ("error",)
    look = look_of(own.step.label)
    return (look,) if own.step.status in {"completed", "failed"} else (look, "unfinished")


def head(own: StepFacts) -> str:
    """Return the first line: ``7 TOOL ERROR · get_weather``."""
    return f"{own.number} {title(own)}"


def title(own: StepFacts, *, named: bool = True) -> str:
    """Return what a step is, by name and with its status when that says something."""
    step = own.step
    return joined(
        full_word_of(step),
        cut(name_of(own), NAME_COLUMNS) if named or step.label == "generic" else "",
        "refusal" if is_refusal(step) else "",
        f"attempt {own.attempt}" if own.attempt > 1 else "",
        status_word(step.status) if step.label != "tool_error" else "",
    )


def step_text(step: Step) -> str:
    """Return the words of a step; of a model request, what is worth knowing of how it went."""
    text = text_of(step)
    if step.label == "assistant_call":
        return "\n".join(part for part in (attempts_of(step), text or _ending(step)) if part)
    return text


def _ending(step: Step) -> str:
    return "" if step.ending in {None, "completed"} else f"ending: {as_text(step.ending).replace('_', ' ')}"


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
    text = text_of(step)
    is_error_text = error is not None and text == error.message
    return Tooltip(tuple(fact for fact in facts if fact), "" if is_error_text else text)


def _responses(step: Step) -> str:
    own = f"response_id {step.response_id}" if step.response_id else ""
    previous = f"previous_response_id {step.previous_response_id}" if step.previous_response_id else ""
    return " ← ".join(part for part in (own, previous) if part)


def listed(ids: list[str]) -> str:
    """Return ids in one line, and of many how many more there are."""
    more = f" and {len(ids) - IDS_SHOWN} more" if len(ids) > IDS_SHOWN else ""
    return ", ".join(ids[:IDS_SHOWN]) + more


def snapshot_nodes(facts: SessionFacts, snapshots: list[StepFacts]) -> list[Node]:
    """Return one quiet page for a run's instructions, tools and re-sent history (more only for very many)."""
    groups = [snapshots[at : at + SNAPSHOTS_PER_NODE] for at in range(0, len(snapshots), SNAPSHOTS_PER_NODE)]
    return [_snapshot_node(facts, group) for group in groups]


def _snapshot_node(facts: SessionFacts, group: list[StepFacts]) -> Node:
    heads = list(dict.fromkeys(_snapshot_words(facts, own.step) for own in group))
    shown = heads[:3] + ([f"and {len(heads) - 3} more"] if len(heads) > 3 else [])
    said = tuple(f"step {joined(own.step.step_id, _snapshot_words(facts, own.step))}" for own in group)
    text = "\n\n".join(text_of(own.step) for own in group)
    tip, step_id = Tooltip(said, text), group[0].step.step_id
    return Node(group[0].key, ("page",), tuple(shown), tooltip=tip, step_id=step_id)


def _snapshot_words(facts: SessionFacts, step: Step) -> str:
    words = full_word_of(step)
    if step.label == "policy.snapshot":
        return f"{words} v{facts.policies[policy_version(step)]}"
    return f"{words} ×{as_text(step.payload_started.get('count', '?'))}"


def nodes_of(facts: SessionFacts, steps: list[StepFacts]) -> list[Node]:
    """Return the nodes of the steps, their snapshots gathered on one page after the first step."""
    pages = snapshot_nodes(facts, [own for own in steps if own.is_snapshot])
    nodes = [step_node(own) for own in steps if not own.is_snapshot]
    return [*nodes[:1], *pages, *nodes[1:]]


def edges_of(facts: SessionFacts, steps: list[StepFacts], nodes: list[Node]) -> list[Edge]:
    """Return the edges between these steps: what depends on what, and what was tried again."""
    drawn = set(steps)
    page_of = _pages(steps, nodes)
    edges: list[Edge] = []
    quiet: set[str] = set()
    for own in steps:
        if own.is_snapshot:
            continue
        needed = facts.depends_on(own)
        # A request that carries a call's output depends on the call through it: one way is enough to see.
        told = {
            call for answer in needed if answer.step.label in ANSWERS for call in facts.depends_on(answer)
        }
        for other in needed:
            if other not in drawn or other in told:
                continue
            if other.is_snapshot:
                # Every request depends on them: one thin edge to the first says it for all.
                page = page_of.get(other)
                if page is not None and page not in quiet:
                    quiet.add(page)
                    edges.append(Edge(page, own.key, "quiet"))
            else:
                edges.append(Edge(other.key, own.key, "dep"))
        if own.retry_of in drawn:
            edges.append(Edge(own.retry_of.key, own.key, "retry", ("retry",)))
    return edges


def _pages(steps: list[StepFacts], nodes: list[Node]) -> dict[StepFacts, str]:
    """Return which node shows each snapshot: the last one opened at or before it."""
    keys = {node.key for node in nodes}
    page_of: dict[StepFacts, str] = {}
    current: str | None = None
    for own in steps:
        if own.is_snapshot:
            current = own.key if own.key in keys else current
            if current is not None:
                page_of[own] = current
    return page_of
