"""Steps as nodes with the edges between them: what a container and a run's own board have in common."""

from __future__ import annotations

from tfd2.elements import Edge, Node
from tfd2.steps import snapshot_nodes, step_node
from tfstore.reading.facts import SessionFacts, StepFacts

ANSWERS = frozenset({"tool_output", "tool_error", "approval_response"})


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
