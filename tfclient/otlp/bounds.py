"""When a session, a run and a step began and ended, in nanoseconds."""

from __future__ import annotations

from tfclient.otlp.calls import nanoseconds
from tfstore.document.documents import Session, Step
from tfstore.reading.facts import RunFacts


def bounds(started: str | None, ended: str | None, inner: list[tuple[int, int]]) -> tuple[int, int]:
    """Return beginning and end so that what is inside fits, never the end before the beginning."""
    begin, finish = nanoseconds(started), nanoseconds(ended)
    starts = [*([begin] if begin is not None else []), *(start for start, _ in inner if start)]
    ends = [*([finish] if finish is not None else []), *(end for _, end in inner)]
    start = min(starts, default=finish or 0)
    return start, max([start, *ends])


def run_bounds(session: Session, run: RunFacts) -> tuple[int, int]:
    """Return beginning and end of a run, widened to hold its steps."""
    times = [(nanoseconds(own.step.started_at), nanoseconds(own.step.ended_at)) for own in run.steps]
    inner = [(begin or 0, max(begin or 0, finish or 0)) for begin, finish in times]
    return bounds(run.run.started_at or session.started_at, run.run.ended_at, inner)


def step_bounds(session: Session, run: RunFacts, step: Step) -> tuple[int, int]:
    """Return beginning and end of a step; what it does not say is its run's."""
    begin, finish = nanoseconds(step.started_at), nanoseconds(step.ended_at)
    if begin is None or finish is None:
        of_run = run_bounds(session, run)
        begin = of_run[0] if begin is None else begin
        finish = of_run[1] if finish is None and step.duration_ms is None else finish
    if finish is None:
        finish = begin + (step.duration_ms or 0) * 1_000_000
    return begin, max(begin, finish)
