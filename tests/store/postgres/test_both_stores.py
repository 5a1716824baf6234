"""A folder and the database that it was sent to answer every question alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tinydb import where

from tests.cli.making import GOING_ON, HOSTILE, WEATHER
from tests.store.postgres.making import CONTINUED, NIGHTLY, a_full_store, migrated, read, sync
from tfstore.errors import StoreError
from tfstore.index.wanted import Wanted
from tfstore.reading.search import Pattern, sessions_holding
from tfstore.store import Store

if TYPE_CHECKING:
    from tests.postgres import Server
    from tfstore.document.documents import Step
    from tfstore.postgres.postgres_store import PostgresStore
    from tfstore.protocols import Reading


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return a_full_store(tmp_path_factory.mktemp("both") / "store")


@pytest.fixture(scope="module")
def team(folder: Store, postgres_server: Server) -> Iterator[PostgresStore]:
    url = postgres_server.new_url()
    migrated(url)
    sync(folder, url)
    with read(url) as store:
        yield store


def _found(store: Reading, text: str, *, regex: bool = False, label: str | None = None) -> list[Any]:
    unreadable: list[str] = []
    pattern = Pattern.of(text, regex=regex)
    found = sessions_holding(store, pattern, unreadable.append, label=label)
    return [(session.session_id, matches) for session, matches in found]


def _a_step(store: Reading, session_id: str, step_id: str) -> Step:
    return next(each for each in store.steps(session_id=session_id) if each.step_id == step_id)


def _walks(store: Reading) -> list[Any]:
    steps = list(store.steps())
    return [
        (store.origin(each), store.descendants(each)) for each in steps if each.session_id != "sess_original"
    ]


QUESTIONS: dict[str, Callable[[Reading], Any]] = {
    "ids": lambda store: store.ids(),
    "has": lambda store: [store.has(each) for each in (WEATHER, "sess_broken", "nobody", "", "../x")],
    "known": lambda store: store.known(WEATHER),
    "near": lambda store: [store.near("sess_20260903"), store.near("sess_brokem")],
    "last": lambda store: store.last(),
    "get": lambda store: [
        store.get(each) for each in (WEATHER, HOSTILE, GOING_ON, CONTINUED, NIGHTLY, "sess_copied")
    ],
    "text": lambda store: [store.text(each) for each in store.ids()],
    "list": lambda store: store.list(),
    "list of failed": lambda store: store.list(result="failed"),
    "list of active": lambda store: store.list(status="active"),
    "list since": lambda store: store.list(since="2026-09-03"),
    "list by tool": lambda store: store.list(tool="get_weather"),
    "steps by a hostile tool": lambda store: list(store.steps(tool="\x1b]0;title\x07")),
    "list by model": lambda store: store.list(model="gpt-4.1"),
    "list by error": lambda store: store.list(error_class="rate_limit"),
    "list by metadata": lambda store: store.list(metadata={"user": "ada", "tries": "3"}),
    "list of ids": lambda store: store.list(ids=[WEATHER, GOING_ON, "nobody"], limit=1),
    "list by tokens": lambda store: store.list(sort="tokens"),
    "list by time": lambda store: store.list(sort="time", limit=3),
    "page": lambda store: (
        store.page(Wanted(words=("weather", "oslo")), 10, 0).rows,
        store.page(Wanted(), 2, 1).total,
    ),
    "page of words": lambda store: store.page(Wanted(words=("GPT-4.1",), wrong=True), 10, 0).rows,
    "names of tools": lambda store: store.names("tool", 10),
    "names of models": lambda store: store.names("model", 1),
    "thread": lambda store: store.thread(WEATHER),
    "thread of a conversation": lambda store: store.thread("conv_1"),
    "find": lambda store: list(store.find(where("metadata").user == "ada")),
    "steps": lambda store: list(store.steps()),
    "steps by tool": lambda store: list(store.steps(tool="get_weather", status="failed")),
    "steps by label": lambda store: list(store.steps(label="assistant_call")),
    "steps by model": lambda store: list(store.steps(model="gpt-4.1", error_class="rate_limit")),
    "steps of a session": lambda store: list(store.steps(session_id=WEATHER, label="tool_call")),
    "events": lambda store: [
        list(store.events(WEATHER, "transcript")),
        list(store.events(WEATHER)),
        list(store.events(HOSTILE, "full", types=["tool_call", "tool_output"], after_seq=3)),
    ],
    "searched": lambda store: _found(store, "umbrella"),
    "searched in a case": lambda store: _found(store, "ça n'est pas 50% de _TOUT_"),
    "searched by expression": lambda store: _found(store, "heavy r.in", regex=True),
    "searched by label": lambda store: _found(store, "oslo", label="assistant_message"),
    "searched in metadata": lambda store: _found(store, "user: ada"),
    "searched in vain": lambda store: [*_found(store, "50_ de"), store.ids()],
    "searched by two letters": lambda store: _found(store, "Hi"),
    "calls of tools": lambda store: store.calls("tool_call"),
    "calls of models since": lambda store: store.calls("assistant_call", since="2026-09-02T09:30"),
    "counters": lambda store: store.counters(),
    "pins": lambda store: {name: [each.note for each in pins] for name, pins in store.pins().items()},
    "redactions": lambda store: [
        *store.redactions(CONTINUED),
        *(each for each in store.redactions() if "\0" not in each.path.replace("\ufffd", "\0")),
    ],
    "walks": _walks,
    "find_response": lambda store: [
        store.find_response(each) for each in ("resp_b1", "resp_r1", "resp_x", "resp_copy")
    ],
    "continued_in": lambda store: store.continued_in("resp_b1"),
    "notes": lambda store: store.notes(CONTINUED),
    "noted": lambda store: [store.noted(tags=["bug"], score="<1"), store.noted(score=">1")],
    "noting": lambda store: [store.noting.ids(), store.noting.read(CONTINUED), store.noting.read(WEATHER)],
    "skipped": lambda store: [*store.list(), sorted(store.skipped)],
}


@pytest.mark.parametrize("asked", QUESTIONS)
def test_both_answer_alike(folder: Store, team: PostgresStore, asked: str) -> None:
    question = QUESTIONS[asked]

    answer = question(folder)

    assert question(team) == answer
    assert answer


MISTAKES: dict[str, Callable[[Reading], Any]] = {
    "get nobody": lambda store: store.get("nobody"),
    "get one nearly": lambda store: store.get(WEATHER[:-1] + "f"),
    "get a later version's": lambda store: store.get("sess_later"),
    "text of nobody": lambda store: store.text("nobody"),
    "notes on nobody": lambda store: store.notes("nobody"),
    "no such step": lambda store: store.origin(store.get("sess_copied").runs[0].steps[0]),
}


@pytest.mark.parametrize("made", MISTAKES)
def test_both_refuse_alike(folder: Store, team: PostgresStore, made: str) -> None:
    with pytest.raises(StoreError) as refused:
        MISTAKES[made](folder)

    with pytest.raises(type(refused.value)) as also:
        MISTAKES[made](team)
    assert str(also.value) == str(refused.value)


def test_a_document_that_is_none_is_there_and_told(team: PostgresStore) -> None:
    assert team.text("sess_broken") == b"{half of a docu"
    with pytest.raises(StoreError, match="sess_broken at postgresql://"):
        team.get("sess_broken")


def test_what_changes_with_a_document_and_its_notes(folder: Store, team: PostgresStore) -> None:
    assert team.changed_at(WEATHER) != team.changed_at(HOSTILE) != ""
    assert team.changed_at("nobody") == folder.changed_at("nobody") == ""
    assert team.noting.version(CONTINUED) != team.noting.version(WEATHER) == folder.noting.version(WEATHER)


def test_a_step_is_found_by_the_place_that_names_it(team: PostgresStore) -> None:
    """What a walk is made of: the other session's step names its own session."""
    step = _a_step(team, CONTINUED, "step_1_2")

    assert team.origin(step).session_id == WEATHER
