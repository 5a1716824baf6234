"""The overview of a short session: a container per run with its steps inside."""

from __future__ import annotations

from tfd2 import run_looks
from tfd2.elements import Box, Edge, Node
from tfd2.run_boards import NO_STEPS
from tfd2.steps import edges_of, nodes_of
from tfstore.reading import run_words
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts

ROW_RUNS = 5
"""Runs without a parent side by side."""


def boxes_of(facts: SessionFacts, runs: list[RunFacts]) -> list[Box]:
    """Return a container for each of these runs."""
    news = _news(facts)
    return [_box(facts, run, news) for run in runs]


def _news(facts: SessionFacts) -> set[str]:
    """Return the ids of the snapshots that say something an earlier run's did not.

    A run repeats what holds for it, so that it can be read alone; on the overview a page means a change.
    """
    seen: set[tuple[str, str]] = set()
    news: set[str] = set()
    for run in facts.runs:
        for own in run.steps:
            if own.is_snapshot:
                said = (own.step.label, str(own.step.payload_started.get("version") or own.step.step_id))
                if said not in seen:
                    seen.add(said)
                    news.add(own.step.step_id)
    return news


def _box(facts: SessionFacts, run: RunFacts, news: set[str]) -> Box:
    steps = [own for own in run.steps if not own.is_snapshot or own.step.step_id in news]
    node = Node(
        _key(run),
        run_looks.looks(run, "run"),
        (run_looks.title(run),),
        tooltip=run_looks.tooltip(run),
        link=run.key,
    )
    nodes = nodes_of(facts, steps) or [NO_STEPS]
    return Box(node, nodes, edges_of(facts, steps, nodes))


def _key(run: RunFacts) -> str:
    return f"r{run.position + 1}"


def edges_between(facts: SessionFacts) -> list[Edge]:
    """Return the edges from run to run: what continues what, and what else depends on another run's steps."""
    edges: list[Edge] = []
    for run in facts.runs:
        if run.parent is not None:
            edges.append(Edge(_key(run.parent), _key(run), "prev", run_words.evidence(run)))
        others = dict.fromkeys(other for own in run.steps for other in _other_runs(facts, own))
        edges += [Edge(_key(other), _key(run), "dep", ("depends on",)) for other in others]
    return edges


def edges_of_order(runs: list[RunFacts]) -> list[Edge]:
    """Return unseen edges that put runs which continue nothing into rows; without them all stand in one row."""
    roots = [_key(run) for run in runs if run.parent is None]
    return [Edge(above, below, "unseen") for above, below in zip(roots, roots[ROW_RUNS:], strict=False)]


def _other_runs(facts: SessionFacts, own: StepFacts) -> list[RunFacts]:
    return [other.run for other in facts.depends_on(own) if other.run not in {own.run, own.run.parent}]
