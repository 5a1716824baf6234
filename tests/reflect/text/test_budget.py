"""A budget is kept, by the estimate within five in a hundred, by a real counter always; work grows with the session."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.projection.recorded import needs_recordings, recordings
from tests.reflect.calls_made import calls_made
from tests.reflect.talking import Talk
from tests.reflect.trajectories import needs_trajectories, trajectories
from tfclient.reflect.findings import examine
from tfclient.reflect.text import estimate, render

if TYPE_CHECKING:
    from tfclient.reflect.findings import Finding
    from tfstore.document.documents import Session

BUDGETS = pytest.mark.parametrize("budget", [1000, 2000, 4000])


@cache
def tokenizer() -> Any:
    import bpe_openai

    return bpe_openai.get_encoding("o200k_base")


def real(text: str) -> int:
    return len(tokenizer().encode_ordinary(text))


@cache
def long_sessions() -> tuple[Session, ...]:
    """300 turns with a tool each, 500 rounds of one prompt, 1,500 runs."""
    turns = Talk("chat", instructions="Be brief, and look everything up.")
    for n in range(300):
        turns.asks(f"Where is order A-{10_000 + n}, and may I change its address to 12 Hill Street?")
        turns.calls(
            ("get_order", {"order_id": f"A-{10_000 + n}"}, {"id": n, "stage": "packed", "days": n % 7})
        )
        turns.says(f"Order {n} is packed; {'Straße, größer, naïve. ' * (n % 5)}it leaves in {n % 7} days.")
    rounds = Talk()
    rounds.asks("Read all pages.")
    for n in range(500):
        rounds.calls(("read_page", {"page": n}, f"Page {n}: " + "lorem ipsum dolor sit amet " * 20))
    rounds.says("Read.")
    runs = Talk("chat")
    for n in range(1500):
        runs.history = runs.history[-6:]
        runs.asks(f"Message number {n}")
        runs.says(f"Answer to number {n}")
    return tuple(talk.session() for talk in (turns, rounds, runs))


@cache
def sessions() -> tuple[Session, ...]:
    found = [recording.session for recording in recordings()]
    longest = sorted(found, key=lambda session: -session.summary.steps)[:100]
    return (*longest, *long_sessions())


@cache
def found_in(place: int) -> tuple[Finding, ...]:
    """What was found in a session: it takes longer than the text of it."""
    return tuple(examine(sessions()[place]).findings)


@needs_recordings
@BUDGETS
def test_by_the_estimate_it_is_hardly_ever_over_and_never_by_much(budget: int) -> None:
    counts = [real(render(each, budget, findings=found_in(place))) for place, each in enumerate(sessions())]
    assert sum(count > budget for count in counts) <= len(counts) // 100
    assert max(counts) <= budget * 1.05


@BUDGETS
def test_long_sessions_are_within_it_and_use_it(budget: int) -> None:
    for session in long_sessions():
        for tokens in (real, estimate):
            count = tokens(render(session, budget, tokens))
            assert budget * 0.6 < count <= budget


@needs_recordings
@pytest.mark.parametrize("budget", [1000, 2000])
def test_by_a_real_counter_it_is_never_over(budget: int) -> None:
    assert all(real(render(each, budget, real)) <= budget for each in sessions())


@needs_trajectories
def test_judged_conversations_are_within_it_with_all_that_findings_cite() -> None:
    over = 0
    told = trajectories()[::2]
    for each in told:
        found = examine(each.session).findings
        text = render(each.session, 2000, findings=found)
        over += real(text) > 2000
        lines = {line.lstrip().partition("]")[0] for line in text.splitlines()}
        cited = {step for finding in found for step in finding.steps}
        assert {f"[{step.removeprefix('step_').replace('_', '.')}" for step in cited} <= lines
    assert over <= len(told) // 80


@needs_trajectories
@needs_recordings
def test_the_estimate_is_seldom_too_low() -> None:
    texts = [render(session) for session in (*sessions(), *(each.session for each in trajectories()[::3]))]
    ratios = sorted(estimate(text) / real(text) for text in texts)
    assert sum(ratio < 0.95 for ratio in ratios) <= len(ratios) // 50
    assert 1 < ratios[len(ratios) // 2] < 1.3


def test_twice_the_same_is_the_same() -> None:
    session = long_sessions()[0]
    assert render(session, 2000) == render(session, 2000)


def test_a_counter_that_is_not_additive_is_kept_too() -> None:
    def odd(text: str) -> int:
        return len(text) // 3 + 5 * text.count("\n") ** 2 // 100

    for session in long_sessions():
        assert odd(render(session, 3000, odd)) <= 3000


def test_a_counter_of_characters_is_kept() -> None:
    assert len(render(long_sessions()[0], 5000, len)) <= 5000


@pytest.mark.parametrize("turns", [60])
def test_four_times_as_long_is_four_times_the_work(turns: int) -> None:
    def talked(count: int) -> Session:
        talk = Talk("chat")
        for n in range(count):
            talk.asks(f"Where is order A-{10_000 + n}?")
            talk.calls(("get_order", {"order_id": f"A-{10_000 + n}"}, {"stage": n % 7}))
            talk.says(f"Order number {n} is on its way.")
        return talk.session()

    small, large = (talked(count) for count in (turns, 4 * turns))
    work, more = (calls_made(partial(render, told, 2000))[0] for told in (small, large))
    assert more < 4 * 1.25 * work
