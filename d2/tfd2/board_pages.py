"""A run's steps on boards: a long run takes several."""

from __future__ import annotations

from typing import Final

from tfstore.reading.facts import RunFacts, StepFacts

PAGE_STEPS: Final = 80
"""Steps on one board at most: ``layers.run_N`` goes on in ``run_N_p2``."""


def page_count(run: RunFacts) -> int:
    """Return how many boards a run's steps take, at least one."""
    return max(1, -(-len(run.steps) // PAGE_STEPS))


def page_of(own: StepFacts) -> int:
    """Return on which of its run's boards a step stands, counted from 0."""
    return own.position // PAGE_STEPS


def steps_on(run: RunFacts, page: int) -> list[StepFacts]:
    """Return the steps of a run's n-th board, counted from 0."""
    return run.steps[page * PAGE_STEPS : (page + 1) * PAGE_STEPS]


def board_key(run: RunFacts, page: int) -> str:
    """Return the key of a run's n-th board, counted from 0."""
    return run.key if page == 0 else f"{run.key}_p{page + 1}"
