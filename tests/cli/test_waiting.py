"""A session that waits for an approval says so wherever its outcome is told, and what ended by design says by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.making import run
from tests.projection.builders import Story, call, said, user
from tests.view.making import BEGAN
from tfclient.view.listing import Listing
from tfd2 import draw
from tfstore.document.documents import Session
from tfstore.reading.facts import gather
from tfstore.reading.session_words import outcome, outcome_word
from tfstore.reading.shown.details import details_of
from tfstore.reading.shown.session import shown
from tfstore.store import Store

WAITS = "waits for approval of roll (1.3)"
DETAILS = "its answer is what it called City (1.3) with"


def asked_for(*items: Any, end: bool = True, title: str = "Roll", **fields: Any) -> Session:
    story = Story()
    story.ask([user(title)], list(items), **fields)
    if end:
        story.end()
    return story.session()


def an_approval(name: str = "roll", item_id: str = "mcpr_1") -> dict[str, Any]:
    return {
        "type": "mcp_approval_request",
        "id": item_id,
        "name": name,
        "arguments": "{}",
        "server_label": "s",
    }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    store.put(asked_for(an_approval()))
    return store


def at(store: Store) -> tuple[str, Path]:
    return "--store", store.paths.root


def test_list(store: Store) -> None:
    (row,) = run("list", *at(store), "--json").json
    assert (row["result"], row["waits_for"]) == ("completed", {"step_1_3": "roll"})
    assert WAITS in run("list", *at(store), columns=160).out
    narrow = run("list", *at(store), columns=80).out.splitlines()[1]
    assert "waits for approval" in narrow
    assert "completed" not in narrow


def test_list_of_one_that_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(asked_for(an_approval(), end=False))
    assert f"active, {WAITS}" in run("list", *at(store), columns=160).out


def test_show_and_why(store: Store) -> None:
    lines = run("show", "last", *at(store)).out.splitlines()
    assert lines[0].split(None, 1) == ["Roll", WAITS]
    assert f"Run 1 · {WAITS}" in "\n".join(lines)
    why = run("why", "last", *at(store)).out
    assert f"Nothing failed; it {WAITS}." in why


def test_why_of_one_that_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(asked_for(an_approval(), end=False))
    why = run("why", "last", *at(store)).out
    assert f"Nothing has failed so far; it {WAITS}." in why


def test_page(store: Store) -> None:
    (row,) = Listing(store, now=lambda: BEGAN).page(_all())["rows"]
    assert (row["words"]["state"], row["words"]["result"]) == ("waiting", "waiting")
    assert row["words"]["waits"] == WAITS
    told = shown(gather(store.get(store.ids()[0])))
    assert (told["session"]["state"], told["session"]["result"]) == ("waiting", WAITS)
    assert (told["runs"][0]["state"], told["runs"][0]["status"]) == ("waiting", WAITS)


def _all() -> Any:
    from tfclient.view.listing import Wanted

    return Wanted()


def test_text_for_a_model(store: Store) -> None:
    told = run("text", "last", *at(store)).out
    assert " waiting" in told.splitlines()[0]
    assert f"RUN 1 completed · {WAITS}" in told


def test_diagram(store: Store) -> None:
    text = draw(store.get(store.ids()[0]))
    assert f"Run 1 · {WAITS}" in text
    assert f"completed · {WAITS}" in text


def test_several_approvals() -> None:
    session = asked_for(*(an_approval(name, f"mcpr_{name}") for name in ("roll", "sort", "drop", "send")))
    assert outcome_word(session) == "waits for approval of roll (1.3), sort (1.4), drop (1.5) and 1 more"


def test_what_failed_comes_first() -> None:
    session = asked_for(an_approval())
    session.result = "failed"
    assert (outcome(session), outcome_word(session)) == ("failed", "FAILED")


def test_an_approval_that_was_never_given() -> None:
    story = Story()
    first = story.ask([user("Roll")], [an_approval()])
    story.ask([user("Never mind")], [said("Well.")], previous_response_id=first)
    story.end()
    session = story.session()
    assert outcome_word(session) == "completed"
    (run_, _) = shown(gather(session))["runs"]
    assert (run_.get("status"), run_["details"]) == (None, "approval of roll (1.3) was not given")


@pytest.mark.parametrize(
    ("name", "details", "output"),
    [
        ("City", DETAILS, "its arguments are the answer"),
        ("transfer_to_refunds", "handed over by transfer_to_refunds (1.3)", "another agent goes on"),
    ],
)
def test_what_ended_by_design(name: str, details: str, output: str) -> None:
    choice: dict[str, Any] = {"tool_choice": {"type": "function", "name": "City"}} if name == "City" else {}
    session = asked_for(call("c1", name, {"a": 1}), **choice)
    facts = gather(session)
    assert outcome_word(session) == "completed"
    assert shown(facts)["runs"][0]["details"].startswith(details)
    parts = details_of(facts, facts.steps["step_1_3"])["parts"]
    assert parts[-1]["told"] == f"Nobody need answer this call: {output}."
