"""The dashed stubs of a run's board: where the run comes from, where it goes on, and its other pages."""

from __future__ import annotations

from attrs import define, field

from tfd2.board_pages import board_key, page_count, page_of, steps_on
from tfd2.elements import Edge, Lines, Node, Tooltip
from tfstore.reading import run_words
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts
from tfstore.reading.figures import counted

CHILDREN_SHOWN = 12
"""Runs that continue one run, each by a stub of its own; the rest is one stub that says how many."""


@define
class Stubs:
    """Stubs of one board with the edges that tie them to its nodes."""

    nodes: list[Node] = field(factory=list[Node])
    edges: list[Edge] = field(factory=list[Edge])

    def lead_in(self, stub: Node, to: list[str], look: str = "prev") -> None:
        """Add a stub that nodes of this board follow from."""
        self.nodes.append(stub)
        self.edges += [Edge(stub.key, key, look) for key in to]

    def lead_out(self, stub: Node, of: list[str]) -> None:
        """Add a stub that follows from nodes of this board."""
        self.nodes.append(stub)
        self.edges += [Edge(key, stub.key, "prev") for key in of]


def stubs_of(facts: SessionFacts, run: RunFacts) -> list[Stubs]:
    """Return the stubs of each of a run's boards."""
    pages = [Stubs() for _ in range(page_count(run))]
    _origin(run, pages[0])
    _other_runs(facts, run, pages)
    _continuations(facts, run, pages)
    _joints(facts, run, pages)
    return pages


def _origin(run: RunFacts, page: Stubs) -> None:
    lineage = run.run.lineage
    if run.parent is not None:
        words: Lines = (run_words.origin(run),)
    elif lineage.parent_response_id:
        words = ("continues a response", "that was not recorded here")
    else:
        return
    link = run.parent.key if run.parent else None
    head = (*words, *run_words.evidence(run))
    stub = Node("from_run", ("stub",), head, link=link, tooltip=_prompt(run.parent))
    entry = next((own for own in steps_on(run, 0) if own.step.label == "assistant_call"), None)
    page.lead_in(stub, [entry.key] if entry else _drawn(steps_on(run, 0))[:1])


def _other_runs(facts: SessionFacts, run: RunFacts, pages: list[Stubs]) -> None:
    """Add a stub for every run, other than its parent, whose steps this run depends on."""
    users: dict[tuple[int, RunFacts], list[str]] = {}
    for own in run.steps:
        for other in facts.depends_on(own):
            if other.run not in {run, run.parent} and not own.is_snapshot:
                users.setdefault((page_of(own), other.run), []).append(own.key)
    for (page, used), keys in users.items():
        stub = _stub(f"of_run_{used.number}", f"depends on run {used.number}", used.key)
        pages[page].lead_in(stub, keys, "dep")


def _continuations(facts: SessionFacts, run: RunFacts, pages: list[Stubs]) -> None:
    for child in run.children[:CHILDREN_SHOWN]:
        last = _continued_step(facts, run, child)
        name = run_words.name(child).replace("Run", "run")
        words = f"{'inside this tool:' if child.is_nested else 'continued by'} {name}"
        stub = _stub(f"to_run_{child.number}", words, child.key, _prompt(child))
        pages[page_of(last) if last else -1].lead_out(stub, [last.key] if last else [])
    if (more := len(run.children) - CHILDREN_SHOWN) > 0:
        stub = _stub("to_more", f"continued by {counted(more, 'more run')}", "")
        pages[-1].lead_out(stub, _drawn(steps_on(run, len(pages) - 1))[-1:])


def _continued_step(facts: SessionFacts, run: RunFacts, child: RunFacts) -> StepFacts | None:
    """Return the step of this run that a child goes on from: the one it names, else its parent response."""
    named = facts.steps.get(child.run.lineage.parent_step_id or "")
    response = facts.responses.get(child.run.lineage.parent_response_id or "")
    for own in (named, response, *reversed(run.steps)):
        if own is not None and own.run is run and not own.is_snapshot:
            return own
    return None


def _joints(facts: SessionFacts, run: RunFacts, pages: list[Stubs]) -> None:
    """Join the pages of a long run: each leads to the next and back."""
    if len(pages) == 1:
        return
    leaving: list[dict[str, None]] = [{} for _ in pages]
    entering: list[dict[str, None]] = [{} for _ in pages]
    for own in run.steps:
        for other in () if own.is_snapshot else facts.depends_on(own):
            if other.run is run and page_of(other) < page_of(own) and not other.is_snapshot:
                leaving[page_of(other)][other.key] = None
                entering[page_of(own)][own.key] = None
    for number, page in enumerate(pages):
        steps = steps_on(run, number)
        if number > 0:
            stub = _stub("before", f"continued from part {number}", board_key(run, number - 1))
            page.lead_in(stub, list(entering[number]) or _drawn(steps)[:1])
        if number + 1 < len(pages):
            stub = _stub("after", f"goes on in part {number + 2}", board_key(run, number + 1))
            page.lead_out(stub, list(leaving[number]) or _drawn(steps)[-1:])


def _drawn(steps: list[StepFacts]) -> list[str]:
    return [own.key for own in steps if not own.is_snapshot]


def _stub(key: str, words: str, link: str, tip: Tooltip | None = None) -> Node:
    return Node(key, ("stub",), (words,), link=link, tooltip=tip)


def _prompt(run: RunFacts | None) -> Tooltip | None:
    return Tooltip((f"run {run.run.run_id}",), run.run.input_text) if run else None
