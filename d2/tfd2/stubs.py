"""The dashed stubs of a run's board: where the run comes from, where it goes on, and its other pages."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from tfd2.board_pages import Pages, Piece, board_key
from tfd2.elements import Edge, Node, Tooltip
from tfstore.reading import run_words
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts
from tfstore.reading.figures import counted

CHILDREN_SHOWN: Final = 6
"""Runs that continue one run, each by a stub of its own; the rest is one stub that says how many."""


@define
class Stubs:
    """Stubs of one board, and what ties them to its steps."""

    nodes: list[Node] = field(factory=list[Node])
    _ties: list[tuple[str, StepFacts, str, bool]] = field(factory=list[tuple[str, StepFacts, str, bool]])

    def lead_in(self, stub: Node, to: list[StepFacts], look: str = "prev") -> None:
        """Add a stub that steps of this board follow from."""
        self.nodes.append(stub)
        self._ties += [(stub.key, own, look, True) for own in to]

    def lead_out(self, stub: Node, of: list[StepFacts]) -> None:
        """Add a stub that follows from steps of this board."""
        self.nodes.append(stub)
        self._ties += [(stub.key, own, "prev", False) for own in of]

    def edges(self, reached: dict[StepFacts, str]) -> list[Edge]:
        """Return the arrows between stubs and what is drawn of the steps, each once."""
        return list(
            dict.fromkeys(
                Edge(stub, reached[own], look) if leads_in else Edge(reached[own], stub, look)
                for stub, own, look, leads_in in self._ties
            )
        )


def stubs_of(facts: SessionFacts, pages: Pages) -> list[Stubs]:
    """Return the stubs of each of a run's boards."""
    stubs = [Stubs() for _ in range(pages.count)]
    _origin(pages, stubs[0])
    _other_runs(facts, pages, stubs)
    _continuations(facts, pages, stubs)
    _joints(facts, pages, stubs)
    return stubs


def _origin(pages: Pages, page: Stubs) -> None:
    run = pages.run
    if run.parent is not None:
        told, *_ = run_words.evidence(run)
        head = tuple(dict.fromkeys((run_words.origin(run), told)))
    elif run.run.lineage.parent_response_id:
        head = ("continues a response", "that was not recorded here")
    else:
        return
    link = run.parent.key if run.parent else None
    stub = Node("from_run", ("stub",), head, link=link, tooltip=_tooltip(run))
    drawn = _drawn(pages.on(0))
    entry = next((own for own in drawn if own.step.label == "assistant_call"), None)
    page.lead_in(stub, [entry] if entry else drawn[:1])


def _tooltip(run: RunFacts) -> Tooltip:
    """Return how a run is known to continue another, by which id, and what that one was asked."""
    known = " · ".join(run_words.evidence(run))
    about = (f"run {run.parent.run.run_id}", known) if run.parent else (known,)
    return Tooltip(about, run.parent.run.input_text if run.parent else "")


def _other_runs(facts: SessionFacts, pages: Pages, stubs: list[Stubs]) -> None:
    """Add a stub for every run, other than its parent, whose steps this run depends on."""
    run = pages.run
    users: dict[tuple[int, RunFacts], list[StepFacts]] = {}
    for own in run.steps:
        for other in facts.depends_on(own):
            if other.run not in {run, run.parent} and not own.is_snapshot:
                users.setdefault((pages.of(own), other.run), []).append(own)
    for (page, used), steps in users.items():
        stub = _stub(f"of_run_{used.number}", f"depends on run {used.number}", used.key)
        stubs[page].lead_in(stub, steps, "dep")


def _continuations(facts: SessionFacts, pages: Pages, stubs: list[Stubs]) -> None:
    run = pages.run
    for child in run.children[:CHILDREN_SHOWN]:
        last = _continued_step(facts, run, child)
        name = run_words.name(child).replace("Run", "run")
        words = f"{'inside this tool:' if child.is_nested else 'continued by'} {name}"
        stub = _stub(f"to_run_{child.number}", words, child.key, _prompt(child))
        stubs[pages.of(last) if last else -1].lead_out(stub, [last] if last else [])
    if (more := len(run.children) - CHILDREN_SHOWN) > 0:
        stub = _stub("to_more", f"continued by {counted(more, 'more run')}", "")
        stubs[-1].lead_out(stub, _drawn(pages.on(pages.count - 1))[-1:])


def _continued_step(facts: SessionFacts, run: RunFacts, child: RunFacts) -> StepFacts | None:
    """Return the step of this run that a child goes on from: the one it names, else its parent response."""
    named = facts.steps.get(child.run.lineage.parent_step_id or "")
    response = facts.responses.get(child.run.lineage.parent_response_id or "")
    for own in (named, response, *reversed(run.steps)):
        if own is not None and own.run is run and not own.is_snapshot:
            return own
    return None


def _joints(facts: SessionFacts, pages: Pages, stubs: list[Stubs]) -> None:
    """Join the pages of a long run: each leads to the next and back."""
    if pages.count == 1:
        return
    leaving: list[dict[StepFacts, None]] = [{} for _ in stubs]
    entering: list[dict[StepFacts, None]] = [{} for _ in stubs]
    for own in pages.run.steps:
        for other in () if own.is_snapshot else facts.depends_on(own):
            if other.run is pages.run and pages.of(other) < pages.of(own) and not other.is_snapshot:
                leaving[pages.of(other)][other] = None
                entering[pages.of(own)][own] = None
    for number, page in enumerate(stubs):
        drawn = _drawn(pages.on(number))
        if number > 0:
            stub = _stub("before", f"continued from part {number}", board_key(pages.run, number - 1))
            page.lead_in(stub, list(entering[number]) or drawn[:1])
        if number + 1 < pages.count:
            stub = _stub("after", f"goes on in part {number + 2}", board_key(pages.run, number + 1))
            page.lead_out(stub, list(leaving[number]) or drawn[-1:])


def _drawn(pieces: list[Piece]) -> list[StepFacts]:
    return [piece.first for piece in pieces if not piece.first.is_snapshot]


def _stub(key: str, words: str, link: str, tip: Tooltip | None = None) -> Node:
    return Node(key, ("stub",), (words,), link=link, tooltip=tip)


def _prompt(run: RunFacts) -> Tooltip:
    return Tooltip((f"run {run.run.run_id}",), run.run.input_text)
