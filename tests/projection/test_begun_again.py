"""A journal deleted under its program: what says how to show a session comes after the first entries of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, output, project, said, user
from tests.projection.builders import call as tool_call
from tfclient.finishing.live import LiveSession
from tfclient.projection.projector import EARLY, Projector
from tfstore.document.converter import to_json
from tfstore.journal.segment import Segment
from tfstore.store import Store

LONG = "all about it " * 200


def told(**more: Any) -> list[dict[str, Any]]:
    """A session with all that its first entry decides about: title, tags, mode, deltas, cap."""
    story = Story(stream=True, **more)
    story.begin(
        title="The title",
        metadata={"user": "ada"},
        runtime={"python": "3.13"},
        redaction={"mode": "content"},
        deltas=True,
        max_payload=500,
    )
    story.ask([user(LONG)], [tool_call("call_1", "look", {"about": LONG})], instructions=LONG)
    items = [user(LONG), tool_call("call_1", "look", {"about": LONG}), output("call_1", LONG)]
    story.ask(items, [said(LONG)], instructions=LONG)
    story.end()
    return story.entries


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize("place", range(1, 9))
def test_wherever_it_stands_it_holds_for_all(api: str, place: int) -> None:
    first, *rest = told(api=api)
    rest.insert(place, first)

    session = project(rest)

    assert to_json(session) == to_json(project(told(api=api)))
    assert session.runs[0].steps[0].payload_started["text"]["bytes"] == 500
    assert len(session.runs[0].input_text or "") < 500
    assert any("deltas" in step.payload_completed for run in session.runs for step in run.steps)


def test_where_it_is_missing_the_rest_is_shown() -> None:
    _, *rest = told()
    projector = Projector("sess")
    for n, entry in enumerate(rest):
        projector.feed(entry)
        if n == 1:
            assert projector.session().runs[0].status == "in_progress"
    session = projector.session()

    assert not projector.begun
    assert (session.title[:9], session.metadata, len(session.runs)) == ("all about", {}, 1)
    assert session.redaction.max_payload is None


def test_no_more_entries_wait_for_it_than_a_few() -> None:
    story = Story()
    for n in range(EARLY):
        story.ask([user(f"prompt {n}")], [said("Yes")])
    projector = Projector("sess")
    for entry in story.entries:
        projector.feed(entry)
    assert len(projector._early or ()) < EARLY
    assert len(projector.session().runs) == EARLY


def test_a_look_before_it_came_is_made_good(store_at: Store) -> None:
    """A document is refreshed at any moment, between two writes too."""
    first, *rest = told()
    live = LiveSession(store_at, "sess")
    with Segment.open(store_at.paths, "sess") as segment:
        segment.append(*rest[:2])
        assert live.refresh()
        assert store_at.get("sess").title != "The title"
        segment.append(first, *rest[2:])
    shown = to_json(live.write_files())

    assert shown == to_json(LiveSession(store_at, "sess").write_files())
    assert shown["title"] == "The title"
    assert shown["runs"] == to_json(project(told()))["runs"]


@pytest.fixture
def store_at(tmp_path: Any) -> Store:
    return Store(tmp_path / "store", create=True)
