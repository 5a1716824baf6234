"""A session that is gone on with by another redaction policy: the journal and the document say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.docs.test_journal import check
from tfclient import Recorder, open_store


def record(store: Path, redact: Any, session_id: str = "nightly") -> None:
    recorder = Recorder(store, redact=redact)
    with recorder.session(id=session_id) as session:
        session.annotate("note", {"text": "hello"})
    assert session.wait(60)


def changes(store: Path, session_id: str = "nightly") -> list[tuple[str, str]]:
    found = [each for each in open_store(store).journal(session_id)[0] if each["type"] == "redaction.changed"]
    for each in found:
        check(each)
    return [(each["was"], each["mode"]) for each in found]


def test_another_policy_is_journaled_also_after_the_journal_was_archived(own_environment: Path) -> None:
    record(own_environment, "secrets")
    assert open_store(own_environment).paths.archived("nightly").is_file()
    record(own_environment, "content")
    record(own_environment, None)

    assert changes(own_environment) == [("secrets", "content"), ("secrets", "none")]
    assert open_store(own_environment).get("nightly").redaction.modes == ["secrets", "content", "none"]


def test_the_same_policy_is_no_change(own_environment: Path) -> None:
    record(own_environment, "secrets")
    record(own_environment, "secrets")

    assert changes(own_environment) == []
    assert open_store(own_environment).get("nightly").redaction.modes == []


def test_what_a_title_or_an_exception_lost_is_marked(own_environment: Path) -> None:
    recorder = Recorder(own_environment)
    with recorder.session(
        title="Key sk-proj-abcdefghij0123456789", metadata={"password": "hunter2"}
    ) as session:
        pass
    assert session.wait(60)

    places = open_store(own_environment).redactions(session.id)
    assert [(each.rule, each.path) for each in places] == [
        ("key:password", "metadata.password"),
        ("openai_key", "title"),
    ]
