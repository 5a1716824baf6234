"""Sessions found by what was said about them, by what they took, and by what they carry on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.store.index.answers import a_talk
from tests.store.making import a_run, a_session, a_step
from tfstore.document.documents import Summary, Usage
from tfstore.index.wanted import Wanted
from tfstore.store import Store


def ids(rows: list[Any]) -> list[str]:
    return [row.session_id for row in rows]


def test_by_metadata_all_of_it(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    store.put(a_session("s1", metadata={"user": "ada", "try": 2, "flags": {"a": [True, None]}}))
    store.put(a_session("s2", metadata={"user": "ada", "note": "x" * 5000}))
    store.put(a_session("s3", metadata={"user": "ad", "empty": ""}))

    assert ids(store.list(metadata={"user": "ada"})) == ["s2", "s1"]
    assert ids(store.list(metadata={"user": "ada", "try": "2"})) == ["s1"]
    assert ids(store.list(metadata={"flags": '{"a":[true,null]}'})) == ["s1"]
    assert ids(store.list(metadata={"note": "x" * 5000})) == ["s2"]
    assert ids(store.list(metadata={"note": "x" * 4999})) == []
    assert ids(store.list(metadata={"empty": ""})) == ["s3"]


def test_a_row_holds_metadata_as_far_as_a_list_needs_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    store.put(a_session("s1", metadata={"user": "ada", "blob": "\x00\x1b[31m" * 1_000_000}))
    store.put(a_session("s2", metadata={f"key{n}": "v" for n in range(5000)}))
    store.put(a_session("s3", metadata={"bad": "\ud800"}))

    rows = {row.session_id: row for row in store.list()}

    assert rows["s1"].metadata["user"] == "ada"
    assert rows["s1"].metadata_cut
    assert len(rows["s1"].metadata["blob"]) < 2000
    assert rows["s2"].metadata_cut
    assert len(rows["s2"].metadata) < 500
    assert not rows["s3"].metadata_cut
    assert ids(store.list(metadata={"key4999": "v"})) == ["s2"]


def test_the_answer_is_what_was_said_last_and_not_inside_a_tool(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    first, nested = (
        a_run(n, a_step(f"{n}_1", "assistant_message", payload_completed={"text": text}))
        for n, text in ((1, "Bergen:\n14 degrees " + "x" * 400), (2, "from within"))
    )
    nested.trigger = "tool"
    store.put(a_session("s1", first, nested))

    (row,) = store.list()

    assert row.answer.startswith("Bergen: 14 degrees x")
    assert len(row.answer) == 300
    assert row.answer.endswith("…")
    assert ids(store.index.page(Wanted(words=("14 DEGREES",)), 5, 0).rows) == ["s1"]


def test_by_tokens_and_by_time(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    for name, tokens, took in (("s1", 5, 900), ("s2", 70, None), ("s3", 2**70, 10)):
        usage = Usage(total_tokens=tokens)
        store.put(a_session(name, duration_ms=took, summary=Summary(usage=usage)))

    assert ids(store.list(sort="tokens")) == ["s3", "s2", "s1"]
    assert ids(store.list(sort="time", limit=2)) == ["s1", "s3"]
    with pytest.raises(ValueError, match="not sorted by 'cost'"):
        store.list(sort="cost")


def test_a_thread_are_sessions_that_carry_on_one_another_or_share_a_conversation(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    talks = [a_talk(n) for n in range(6)]
    for talk in talks:
        if talk is not talks[3]:  # between 2 and 4 nothing is known
            store.put(talk)
    for n in (4, 5):
        talks[n].runs[0].conversation_id = "conv_1"
        store.put(talks[n])
    alone = a_run(1, a_step("1_1", "user_message"))
    alone.conversation_id = "conv_1"
    store.put(a_session("sess_later", alone, started_at="2026-09-28T00:00:00.000Z"))

    named = [talk.session_id for talk in talks]
    assert store.index.thread(named[1]) == named[:3]
    assert store.index.thread(named[5]) == [*named[4:], "sess_later"]
    assert store.index.thread("conv_1") == [*named[4:], "sess_later"]
    assert store.index.thread("conv_2") == []
    assert ids(store.list(ids=store.index.thread(named[1]))) == named[2::-1]
    assert store.list(ids=[]) == []
