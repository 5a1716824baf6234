"""A step's journal entries are looked up by the exchanges that its document names."""

from __future__ import annotations

from tests.projection.builders import Story, said, steps, user
from tfstore.reading.calls.exchanges import entries_of


def two_at_once() -> Story:
    """Two calls that two threads make in the same millisecond, of a server that gives requests no id."""
    story = Story()
    first = story.send(story.body([user("Oslo?")]))
    began = story.now
    story.now -= 1900
    second = story.send(story.body([user("Bergen?")]))
    assert (began // 1000, began != story.now) == (story.now // 1000, True)
    second.answer_items([said("Rain.")])
    first.answer_items([said("Sun.")])
    return story


def test_two_calls_of_one_millisecond_are_two() -> None:
    story = two_at_once()
    session = story.session()
    calls = steps(session, "assistant_call")

    assert calls[0].attempts[0].started_at == calls[1].attempts[0].started_at
    told = [{str(entry.get("call") or entry["exchange_id"]) for entry in _of(story, n)} for n in (0, 1)]
    assert told == [{"w1-1", "w1-1.1"}, {"w1-2", "w1-2.1"}]


def _of(story: Story, place: int) -> list[dict[str, object]]:
    session = story.session()
    return entries_of(story.entries, session, steps(session, "assistant_call")[place])


def test_all_attempts_of_a_call() -> None:
    story = Story()
    sent = story.send(story.body([user("Oslo?")]))
    sent.answer({"error": {"message": "Later."}}, 503)
    sent.attempt().answer_items([said("Sun.")])
    story.ask([user("Oslo?"), said("Sun."), user("And now?")], [said("Rain.")])

    assert [entry["type"] for entry in _of(story, 0)] == [
        "call.started", "attempt.sent", "attempt.answered", "attempt.sent", "attempt.answered",
    ]  # fmt: skip
    assert {entry.get("exchange_id") for entry in _of(story, 1)} == {None, "w1-2.1"}


def test_a_call_that_was_never_sent_is_found_by_its_moment() -> None:
    story = Story()
    story.ask([user("Oslo?")], [said("Sun.")])
    story.now -= 1000
    story.tell(type="call.started", call="w1-9", method="POST", path="/responses")
    story.tell(type="call.ended", call="w1-9", ending="no_response", error={"type": "TypeError"})
    session = story.session()
    (step,) = steps(session, "generic")

    assert [entry["type"] for entry in entries_of(story.entries, session, step)] == [
        "call.started",
        "call.ended",
    ]


def test_of_an_earlier_document_nothing_is_guessed() -> None:
    story = two_at_once()
    session = story.session()
    (first, _) = steps(session, "assistant_call")
    first.attempts[0].exchange_id = None

    assert entries_of(story.entries, session, first) == []
