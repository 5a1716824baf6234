"""What a document says of what redaction changed: added up from marks."""

from __future__ import annotations

from typing import Any

from tfclient.projection.audit import PLACES, Audit
from tfclient.projection.projector import Projector
from tfstore.document.documents import RedactedPlace, Session


def a_mark(rule: str = "openai_key", path: str = "request.body.input", **more: Any) -> dict[str, Any]:
    return {"path": path, "rule": rule, "action": "replaced", "bytes": 51, **more}


def projected(*entries: dict[str, Any]) -> Session:
    projector = Projector("sess_1")
    for at, entry in enumerate(entries, 1):
        projector.feed({"at": at, "mono": 0, "writer": "w", "seq": at, **entry})
    return projector.session()


def started(mode: str = "secrets", **more: Any) -> dict[str, Any]:
    return {"type": "session.started", "title": "", "redaction": {"mode": mode}, **more}


def test_places_are_added_up_whatever_the_number_of_the_item() -> None:
    audit = Audit()
    audit.take([a_mark(path=f"request.body.input[{n}].content") for n in (0, 3)])
    audit.take([a_mark("key:password", "value.password", action="dropped")])

    assert audit.places == [
        RedactedPlace("key:password", "value.password", "dropped", 1, 51),
        RedactedPlace("openai_key", "request.body.input[].content", "replaced", 2, 102),
    ]
    assert audit.by_rule == {"key:password": 1, "openai_key": 2}


def test_a_piece_and_an_echo_are_no_other_value() -> None:
    audit = Audit()
    audit.take([a_mark(), a_mark(again=True)])

    assert [(each.count, each.bytes) for each in audit.places] == [(1, 51)]


def test_places_have_a_bound_and_nothing_beyond_it_is_lost() -> None:
    audit = Audit()
    audit.take([a_mark(path=f"tool.arguments.k{n}") for n in range(PLACES + 50)])

    assert len(audit.places) == PLACES + 1
    assert sum(each.count for each in audit.places) == PLACES + 50
    assert RedactedPlace("openai_key", "tool.arguments…", "replaced", 50, 50 * 51) in audit.places


def test_damaged_marks_stop_nothing() -> None:
    audit = Audit()
    audit.take([None, 3, {}, a_mark(bytes="many")])

    assert sum(each.count for each in audit.places) == 2


def test_headers_are_told_and_count_in_no_summary() -> None:
    """Each request has one: a session would always look redacted."""
    header = a_mark("header:authorization", "request.headers.authorization", action="dropped")
    session = projected(started(redactions=[header, a_mark("key:pin", "title")]))

    assert session.summary.redactions == {"key:pin": 1}
    assert session.redaction.marks == 1
    assert [place.rule for place in session.redaction.places] == ["header:authorization", "key:pin"]


def test_all_policies_of_a_session_are_named() -> None:
    changed = {"type": "redaction.changed", "mode": "content", "was": "secrets"}

    assert projected(started(), started("content"), changed).redaction.modes == ["secrets", "content"]
    assert projected(started(), started()).redaction.modes == []


def test_what_may_stand_where_is_said_of_a_closed_session() -> None:
    told = {"type": "annotation", "kind": "k", "data": {"api_key": "<redacted:key:api_key>"}}
    marks = {"redactions": [a_mark("key:api_key", "value.api_key")]}
    ended = {"type": "session.ended", "end_reason": "closed"}

    assert projected(started(), told | marks).redaction.sensitivity == {}
    assert projected(started(), told | marks, ended).redaction.sensitivity == {
        "generic.payload_completed.api_key": "credential"
    }
