"""Sessions as cassettes: vcrpy plays them, and a session made of one again says the same."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
import vcr
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.driver import MODEL
from tests.export.making import WHO
from tests.projection.recorded import FOLDER, needs_recordings
from tfclient.export.cassettes import Cassette, cassette_of
from tfclient.importing.cassette import NotACassette, read_cassette
from tfclient.importing.cassettes import import_cassettes
from tfstore.document.converter import to_json
from tfstore.store import Store

if TYPE_CHECKING:
    from tfstore.document.documents import Session
    from tfstore.journal.entries import Entry

EVERY = 1 if os.environ.get("TFCLIENT_LONG_TESTS") else 40


def exported(store: Store, session_id: str, target: Path) -> Cassette:
    made = cassette_of(store.journal(session_id)[0])
    target.write_text(made.text(), encoding="utf-8", newline="")
    return made


def imported(cassette: Path, folder: Path) -> tuple[Store, Session]:
    store = Store(folder, create=True)
    (done,) = import_cassettes(store, [cassette])
    assert done.session is not None, done.problem
    return store, done.session


def told(session: Session) -> Any:
    """What a session says, but for its name, its file's, and the marks of what was replaced before."""
    document = to_json(session)
    for name in ("session_id", "integrity", "artifacts", "redaction", "runtime"):
        document.pop(name, None)
    document["metadata"].pop("imported_from", None)
    document["summary"].pop("redactions", None)
    for run in document["runs"]:
        for step in run["steps"]:
            step.pop("redactions", None)
    return document


def test_vcrpy_plays_it_whole_and_streamed(session: tuple[Store, str], tmp_path: Path) -> None:
    made = exported(*session, tmp_path / "c.yaml")
    url = made.interactions[0]["request"]["uri"].removesuffix("/responses")

    with (
        vcr.use_cassette(
            str(tmp_path / "c.yaml"), record_mode="none", match_on=["method", "uri", "body"]
        ) as cassette,
        openai.OpenAI(base_url=url, api_key="sk-none", max_retries=1) as client,
    ):
        with client.responses.create(model=MODEL, input=WHO, stream=True) as stream:
            text = "".join(each.delta for each in stream if each.type == "response.output_text.delta")
        history: Any = [{"role": "user", "content": WHO + " and so on" * 200}]
        asked = client.responses.create(model=MODEL, input=history)
        sound = client.audio.speech.create(model="tts-1", voice="alloy", input="ada@example.com").read()

    assert text == "Write to ada@example.com about /home/ada/notes.txt, she knows."
    assert asked.output[0].type == "function_call"
    assert sound == b"\x00\xff\xfe" * 40
    assert cassette.play_count == 4  # a 429 before the second answer


def test_a_session_comes_back_with_times_pieces_and_endings(
    session: tuple[Store, str], tmp_path: Path
) -> None:
    store, session_id = session
    exported(store, session_id, tmp_path / "c.yaml")

    again, made = imported(tmp_path / "c.yaml", tmp_path / "again")

    def of(entries: list[Entry], kind: str, *names: str) -> list[Any]:
        return [tuple(each.get(name) for name in names) for each in entries if each["type"] == kind]

    before, after = store.journal(session_id)[0], again.journal(made.session_id)[0]
    for kind, names in {
        "attempt.sent": ("at", "exchange_id", "call", "n", "method", "url"),
        "attempt.answered": ("exchange_id", "status", "complete"),
        "stream.chunk": ("exchange_id", "data"),
        "attempt.ended": ("exchange_id", "ending", "error"),
    }.items():
        assert of(after, kind, *names) == of(before, kind, *names)
    calls = [
        [
            (s.response_id, s.ending, s.latency, s.usage, len(s.attempts))
            for r in each.runs
            for s in r.steps
            if s.label == "assistant_call"
        ]
        for each in (store.get(session_id), made)
    ]
    assert calls[0] == calls[1]


def an_exchange(body: Any, n: int = 1, status: int = 200) -> list[Entry]:
    """An exchange whose two bodies are these."""
    name = {"exchange_id": f"c-1.{n}"}
    sent = {
        "type": "attempt.sent",
        "at": 5 * n,
        "call": "c-1",
        "n": n,
        "method": "POST",
        **name,
        "headers": {},
    }
    answered = {
        "type": "attempt.answered",
        "at": 5 * n + 1,
        "status": status,
        "headers": {},
        "complete": True,
    }
    url = "https://api.openai.com/v1/responses"
    return [{**sent, "url": url, "body": body}, {**answered, **name, "body": body}]


def test_an_attempt_without_a_response_is_left_out_and_told() -> None:
    ended = {"type": "attempt.ended", "at": 6, "exchange_id": "c-1.1", "error": {"type": "ConnectTimeout"}}
    entries = [an_exchange(None)[0], ended, *an_exchange({"unread": "iterator"}, 2, 299)]

    made = cassette_of(entries)

    assert [(each.exchange_id, each.what, each.why) for each in made.left_out] == [
        ("c-1.1", "attempt", "no response came: ConnectTimeout"),
        ("c-1.2", "request body", "iterator"),
        ("c-1.2", "response body", "iterator"),
    ]
    assert [each["response"]["status"] for each in made.interactions] == [{"code": 299, "message": ""}]


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_body_comes_back_the_same(data: bytes) -> None:
    entries = an_exchange({"base64": base64.b64encode(data).decode()})

    (read,) = yaml.safe_load(cassette_of(entries).text())["interactions"]

    for each in (read["request"]["body"], read["response"]["body"]["string"]):
        assert (each if isinstance(each, bytes) else each.encode()) == data


def test_what_readers_refuse_is_written_as_bytes(tmp_path: Path) -> None:
    deep = "[" * 2000
    (tmp_path / "c.yaml").write_text(cassette_of(an_exchange({"text": deep})).text(), encoding="utf-8")

    (read,) = read_cassette(tmp_path / "c.yaml")

    assert read.request_body == read.body == deep.encode()


@pytest.mark.parametrize(
    "changed",
    [
        {"recorded_at": "yesterday"},
        {"recorded_at": None},
        {"call": "../x"},
        {"exchange_id": 3},
        {"n": 0},
        {"answered_ms": float("nan")},
        {"answered_ms": -1},
        {"answered_ms": True},
        {"chunks": [[1, 2]]},
        {"chunks": [[1]]},
        {"chunks": 3},
        {"chunks": [[1, -5], [2, 7]]},
        {"ending": "eaten"},
        {"error": "x"},
        {"history": [{"status": "x"}]},
    ],
)
def test_what_stands_under_our_key_is_looked_at(
    session: tuple[Store, str], tmp_path: Path, changed: dict[str, Any]
) -> None:
    made = exported(*session, tmp_path / "c.yaml")
    made.interactions[0]["tfclient"] |= changed
    (tmp_path / "c.yaml").write_text(made.text(), encoding="utf-8")

    with pytest.raises(NotACassette, match="what stands under 'tfclient' is not as tfclient writes it"):
        read_cassette(tmp_path / "c.yaml")


def test_a_cassette_of_ours_may_be_mixed_with_others(session: tuple[Store, str], tmp_path: Path) -> None:
    made = exported(*session, tmp_path / "c.yaml")
    for each in made.interactions[1:]:
        del each["tfclient"]
    (tmp_path / "c.yaml").write_text(made.text(), encoding="utf-8")

    _, again = imported(tmp_path / "c.yaml", tmp_path / "again")

    assert again.summary.model_calls == session[0].get(session[1]).summary.model_calls


@needs_recordings
@pytest.mark.timeout(600)
def test_recordings_go_out_and_come_back(tmp_path: Path) -> None:
    for n, path in enumerate(sorted(FOLDER.rglob("*.yaml"))[::EVERY]):
        store, first = imported(path, tmp_path / f"first{n}")
        made = exported(store, first.session_id, tmp_path / path.name)
        if not made.interactions:
            continue
        again, second = imported(tmp_path / path.name, tmp_path / f"second{n}")

        assert told(second) == told(first), path
        bodies = [
            [(each["request"]["body"], each["response"]["body"]) for each in one.interactions]
            for one in (made, cassette_of(again.journal(second.session_id)[0]))
        ]
        assert bodies[0] == bodies[1], path
