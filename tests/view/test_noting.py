"""Notes in the page's server: shown, added, taken back, and by nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import TOKEN
from tests.view.conftest import FAILING
from tests.view.making import failing, growing
from tfclient.opening import existing_store
from tfclient.view.noting import LARGEST
from tfclient.view.page import html_file
from tfstore.document.notes import Note, line_of
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.testclient import TestClient

NOTES = f"api/sessions/{FAILING}/notes"
HOST = "127.0.0.1"
OURS = {"origin": f"http://{HOST}", "content-type": "application/json", "host": HOST}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    Store(tmp_path / "store", create=True).put(failing())
    return existing_store(tmp_path / "store")


@pytest.fixture
def writer(store: Store, client_of: Callable[[Store], TestClient]) -> TestClient:
    return client_of(store)


def send(client: TestClient, headers: dict[str, str] | None = None, **note: Any) -> Any:
    return client.post(NOTES, headers=OURS | (headers or {}), content=json.dumps(note))


def test_a_note_is_added_shown_and_taken_back(writer: TestClient, store: Store) -> None:
    answer = send(writer, text="wrong order", score=" 0 ", tags="bug, slow,", step="step_1_4")
    assert answer.status_code == 200
    (made,) = store.notes(FAILING)
    assert (made.text, made.score, made.tags, made.step_id) == ("wrong order", 0, ["bug", "slow"], "step_1_4")
    told = writer.get(NOTES).json()
    assert {**answer.json(), "said": ""} == {**told, "said": ""}
    assert [(each["text"], each["place"]) for each in told["notes"]] == [("wrong order", "1.4")]
    assert told["notes"][0]["about"].startswith("score 0 · bug, slow · ")
    assert told["marks"] == {"step_1_4": "1 note · score 0 · bug, slow"}
    assert told["words"] == "1 note · score 0 · bug, slow"
    assert told["writes"] is True

    gone = writer.delete(f"{NOTES}/{made.note_id}", headers=OURS)
    assert gone.json()["notes"] == []
    assert store.notes(FAILING) == []
    assert writer.delete(f"{NOTES}/{made.note_id}", headers=OURS).status_code == 404


def test_what_did_not_change_is_not_sent_again(writer: TestClient, store: Store) -> None:
    for _ in range(2):
        first = writer.get(NOTES)
        again = writer.get(NOTES, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        store.note(FAILING, "x")
        assert writer.get(NOTES, headers={"if-none-match": first.headers["etag"]}).status_code == 200


def test_a_key_is_replaced_and_the_person_is_told(writer: TestClient, store: Store) -> None:
    key = "sk-proj-" + "a1B2" * 12
    answer = send(writer, text=f"it sent {key}")
    assert "openai_key" in answer.json()["said"]
    assert key not in answer.text
    assert key.encode() not in store.paths.notes_of(FAILING).read_bytes()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": f"https://{HOST}"}, 403),
        ({"origin": f"http://{HOST}:4711"}, 403),
        ({"origin": f"http://{HOST}.evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_only_the_page_itself_writes(
    writer: TestClient, store: Store, headers: dict[str, str], code: int
) -> None:
    assert send(writer, headers, text="x").status_code == code
    if code != 415:
        note = store.note(FAILING, "mine")
        assert writer.delete(f"{NOTES}/{note.note_id}", headers=OURS | headers).status_code == code
        assert store.notes(FAILING) == [note]
    else:
        assert store.notes(FAILING) == []


def test_nobody_writes_who_says_no_origin_or_no_token(writer: TestClient, store: Store) -> None:
    without = {name: value for name, value in OURS.items() if name != "origin"}
    assert writer.post(NOTES, headers=without, content='{"text": "x"}').status_code == 403
    for token in ("", "wrong/", f"{TOKEN}x/"):
        answer = writer.post(f"http://{HOST}/{token}{NOTES}", headers=OURS, content='{"text": "x"}')
        assert answer.status_code in {403, 405}
    assert store.notes(FAILING) == []


def test_a_page_that_says_where_it_comes_from_twice_is_refused(writer: TestClient) -> None:
    headers = [*OURS.items(), ("origin", "http://evil.example")]
    assert writer.post(NOTES, headers=headers, content='{"text": "x"}').status_code == 403


def test_what_is_read_only_takes_none(store: Store) -> None:
    testing = pytest.importorskip("starlette.testclient", reason="starlette's test client is not installed")
    from tfclient.view.app import create_app

    note = store.note(FAILING, "mine")
    app = create_app(store, token=TOKEN, read_only=True)
    client = testing.TestClient(app, base_url=f"http://{HOST}/{TOKEN}/")
    assert send(client, text="x").status_code == 405
    assert client.delete(f"{NOTES}/{note.note_id}", headers=OURS).status_code == 405
    told = client.get(NOTES).json()
    assert told["writes"] is False
    assert [each["text"] for each in told["notes"]] == ["mine"]
    assert store.notes(FAILING) == [note]


@pytest.mark.parametrize(
    "path", [f"{NOTES}/", "api/sessions//notes", f"{NOTES}/x/y", f"api/sessions/{FAILING}"]
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
def test_nothing_else_can_be_written(writer: TestClient, path: str, method: str) -> None:
    assert writer.request(method, path, headers=OURS, content="{}").status_code in {404, 405}


@pytest.mark.parametrize(
    ("sent", "code", "told"),
    [
        ("", 400, "no note"),
        ("[]", 400, "no note"),
        ('{"text": 3}', 400, "no note"),
        ('{"text": "x", "tags": ["bug"]}', 400, "no note"),
        ('{"text": "x", "score": "high"}', 400, "score"),
        ('{"text": "x", "score": "nan"}', 400, "score"),
        ('{"text": " "}', 400, "a text, a score or a tag"),
        ('{"text": "x", "step": "step_9_9"}', 404, "step_9_9"),
        (json.dumps({"text": "x" * 100_001}), 400, "100,001"),
        (json.dumps({"text": "x" * LARGEST}), 413, "bytes"),
    ],
)
def test_what_is_no_note_is_a_sentence(
    writer: TestClient, store: Store, sent: str, code: int, told: str
) -> None:
    answer = writer.post(NOTES, headers=OURS, content=sent)
    assert answer.status_code == code
    assert told in answer.json()["error"]
    assert store.notes(FAILING) == []


def test_an_unknown_session_is_a_sentence(writer: TestClient) -> None:
    answer = writer.post("api/sessions/sess_2/notes", headers=OURS, content='{"text": "x"}')
    assert answer.status_code == 404
    assert writer.get("api/sessions/sess_2/notes").status_code == 404


def test_damaged_notes_are_told(writer: TestClient, store: Store) -> None:
    store.note(FAILING, "one")
    with store.paths.notes_of(FAILING).open("ab") as file:
        file.write(b"nothing\n")
    assert writer.get(NOTES).json()["trouble"][0].startswith("Line 2 of the notes")


def test_the_list_is_filtered_by_notes_and_says_them(writer: TestClient, store: Store) -> None:
    store.put(growing(1))
    store.note(FAILING, "x", score=0.25, tags=["bug"])

    def listed(**asked: str) -> dict[str, str]:
        rows = writer.get("api/sessions", params=asked).json()["rows"]
        return {row["session_id"]: row["words"]["notes"] for row in rows}

    assert listed() == {FAILING: "1 note · score 0.25 · bug", growing(1).session_id: ""}
    for asked in ({"noted": "yes"}, {"tag": "bug"}, {"score": "<0.5"}, {"tag": "bug", "score": "0.25"}):
        assert list(listed(**asked)) == [FAILING], asked
    for asked in ({"tag": "slow"}, {"score": ">0.5"}, {"noted": "yes", "q": "growing-nothing"}):
        assert listed(**asked) == {}, asked
    assert writer.get("api/names").json()["tags"] == [["bug", 1]]
    answer = writer.get("api/sessions", params={"score": "low"})
    assert answer.status_code == 400
    assert "<0.5" in answer.json()["error"]


def test_the_file_holds_them_and_writes_none(store: Store) -> None:
    bad = "</script><b>\u2028"
    path = store.paths.make_dir(store.paths.notes) / f"{FAILING}.jsonl"
    path.write_bytes(line_of(Note("note_1", text=bad, step_id="step_1_4", tags=[bad])))
    text = html_file(store, FAILING)
    assert text.count("</script>") == 2
    boot = text.partition('id="boot">')[2].partition("</script>")[0]
    told = json.loads(boot)["notes"]
    assert told["notes"][0]["text"] == bad
    assert told["writes"] is False


def test_what_is_pinned_is_said_in_the_list_and_over_the_session(writer: TestClient, store: Store) -> None:
    before = writer.get(NOTES)
    store.pin(FAILING, "outage-7", "<b>first</b>")

    told = writer.get(NOTES, headers={"if-none-match": before.headers["etag"]})

    assert told.status_code == 200
    assert told.json()["pinned"][0].startswith("pinned for outage-7: <b>first</b> · 20")
    assert told.json()["words"] == "pinned"
    (row,) = writer.get("api/sessions").json()["rows"]
    assert row["words"]["notes"] == "pinned"
    assert "pinned for outage-7" in html_file(store, FAILING)
