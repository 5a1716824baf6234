from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.making import a_run, a_session, a_step, json_values
from tfstore.document.converter import to_json
from tfstore.document.documents import Session
from tfstore.document.json_text import readable
from tfstore.document.text import STEPS, pieces_of
from tfstore.store import Store

LONG = 3 * STEPS + 1

steps_of_runs = st.lists(st.sampled_from([0, 1, 2, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS, LONG]), max_size=5)


def with_steps(numbers: list[int], payload: dict[str, Any] | None = None) -> Session:
    runs = [
        a_run(
            run,
            *(
                a_step(f"{run}_{number}", "generic", payload_completed=payload or {"text": "Hello"})
                for number in range(1, steps + 1)
            ),
        )
        for run, steps in enumerate(numbers, start=1)
    ]
    return a_session("sess_1", *runs)


@given(steps_of_runs)
def test_the_pieces_are_the_document(numbers: list[int]) -> None:
    session = with_steps(numbers)

    assert b"".join(pieces_of(session)) == readable(to_json(session))


@given(st.dictionaries(st.text(), json_values))
@settings(max_examples=30)
def test_whatever_the_payloads_hold(payload: dict[str, Any]) -> None:
    for numbers in ([2, 1], [LONG]):
        session = with_steps(numbers, payload)
        expected = json.loads(json.dumps(to_json(session)))

        assert json.loads(b"".join(pieces_of(session))) == expected


def test_a_long_document_is_never_whole() -> None:
    session = with_steps([1] * LONG + [LONG])
    pieces = list(pieces_of(session))

    assert max(map(len, pieces)) < len(b"".join(pieces)) / 4


def test_half_a_surrogate_changes_nothing_around_it() -> None:
    session = with_steps([LONG], {"text": "lone \ud800", "number": 1.5})
    pieces = b"".join(pieces_of(session))

    assert b"lone \\ud800" in pieces
    assert pieces == readable(to_json(session))


def test_what_is_too_deep_to_be_laid_out_is_written_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How deep that is depends on how deep the program is."""
    session = with_steps([1, LONG])

    def too_deep(*_: Any) -> bytes:
        raise RecursionError

    monkeypatch.setattr("tfstore.document.text.readable_items", too_deep)
    store.put(session)

    assert store.get("sess_1") == session


def test_a_payload_that_cannot_be_written_leaves_the_document_before(store: Store) -> None:
    session = with_steps([1, LONG])
    store.put(session)
    broken = evolve(session, runs=[*session.runs, with_steps([1], {"never": object()}).runs[0]])

    with pytest.raises(TypeError):
        store.put(broken)
    assert store.get("sess_1") == session
    assert [path.name for path in store.paths.sessions.iterdir() if path.name.endswith(".tmp")] == []
