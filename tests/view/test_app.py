"""What the page's server answers."""

from __future__ import annotations

import gc
import json
import weakref
from typing import TYPE_CHECKING

import pytest

from tests.view.conftest import FAILING, HOSTILE, LONG
from tests.view.making import failing, growing
from tfclient.view import app
from tfclient.view.diagram import Diagram
from tfd2 import CompilerMissing
from tfstore.document.converter import to_json
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.testclient import TestClient

    from tfstore.document.documents import Session


def test_the_page_names_only_files_of_its_own(client: TestClient) -> None:
    text = client.get("").text
    assert "static/main.js" in text
    assert "http://" not in text
    assert "https://" not in text
    assert "//" not in text.replace("<!doctype html>", "")


def test_all_modules_and_styles_are_there(client: TestClient) -> None:
    for name, kind in (("main.js", "text/javascript"), ("theme.css", "text/css")):
        answer = client.get(f"static/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)


def test_a_document_comes_as_it_is(client: TestClient) -> None:
    answer = client.get(f"api/sessions/{FAILING}")
    assert answer.json()["document"] == json.loads(json.dumps(to_json(failing())))


def test_what_calls_cost_is_shown_where_it_was_asked_for(client: TestClient, full_store: Store) -> None:
    testing = pytest.importorskip("starlette.testclient")
    priced = app.create_app(full_store, token="t", price=lambda _: 0.5)
    path = f"api/sessions/{FAILING}"

    told = testing.TestClient(priced, base_url="http://127.0.0.1/t/").get(path).json()["reading"]["session"]
    assert dict(told["facts"])["cost"].startswith("$")
    assert "$" in told["about"]
    page = testing.TestClient(priced, base_url="http://127.0.0.1/t/")
    assert [each["words"] for each in page.get("api/costs").json().values()].count("$0.5") >= 1
    assert '"priced":true' in page.get("").text
    assert (client.get("api/costs").json(), "priced" in client.get("").text.partition("</script>")[0]) == (
        {},
        False,
    )
    assert "cost" not in dict(client.get(path).json()["reading"]["session"]["facts"])


def test_a_hostile_document_comes_as_it_is(client: TestClient, full_store: Store) -> None:
    document = client.get(f"api/sessions/{HOSTILE}").json()["document"]
    assert document == json.loads(full_store.paths.document(HOSTILE).read_bytes()) | {"session_id": HOSTILE}


def test_a_document_that_did_not_change_is_not_sent_again(
    tmp_path: Path, client_of: Callable[[Store], TestClient]
) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(growing(1))
    client = client_of(store)
    path = f"api/sessions/{growing(1).session_id}"
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    store.put(growing(2))
    grown = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert grown.status_code == 200
    assert len(grown.json()["document"]["runs"]) == len(grown.json()["reading"]["runs"]) == 2
    assert grown.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("rest", ["", "/d2", "/boards", "/boards/index"])
def test_an_unknown_session_is_a_sentence(client: TestClient, rest: str) -> None:
    answer = client.get(f"api/sessions/sess_20260902T091400Z_7f3a9c0x{rest}")
    assert answer.status_code == 404
    assert "No session 'sess_20260902T091400Z_7f3a9c0x'" in answer.json()["error"]


def test_a_newer_document_is_a_sentence(tmp_path: Path, client_of: Callable[[Store], TestClient]) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(failing())
    path = store.paths.document(FAILING)
    path.write_text(path.read_text().replace("thoughtflow/1", "thoughtflow/9"))
    answer = client_of(store).get(f"api/sessions/{FAILING}")
    assert answer.status_code == 409
    assert "upgrade tfclient" in answer.json()["error"]


@pytest.mark.parametrize(
    "content", ["", '{"schema_version": "thou', "[]", "{}", '{"schema_version": "thoughtflow/1"}']
)
def test_a_corrupt_document_is_a_sentence(
    tmp_path: Path, client_of: Callable[[Store], TestClient], content: str
) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(failing())
    store.paths.document(FAILING).write_text(content)
    answer = client_of(store).get(f"api/sessions/{FAILING}")
    assert answer.status_code == 409
    assert FAILING in answer.json()["error"]
    assert "Traceback" not in answer.text


def test_what_nobody_thought_of_is_a_sentence_too(
    tmp_path: Path, client_of: Callable[[Store], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store", create=True)

    def broken(_session_id: str) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(store, "get", broken)
    answer = client_of(store).get(f"api/sessions/{FAILING}")
    assert answer.status_code == 500
    assert answer.json()["error"] == "This could not be read (ZeroDivisionError: oh)."


def test_without_d2_the_rest_works(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise CompilerMissing

    monkeypatch.setattr("tfclient.view.diagram.compile_d2", missing)
    answer = client.get(f"api/sessions/{FAILING}/boards/index")
    assert answer.status_code == 503
    assert answer.json()["kind"] == "no_compiler"
    assert "pip install 'tfclient[d2]'" in answer.json()["error"]
    assert client.get(f"api/sessions/{FAILING}/d2").text.startswith("# A recorded session")
    assert client.get(f"api/sessions/{FAILING}/boards").json()[0]["key"] == "index"


@pytest.mark.usefixtures("d2_program")
def test_a_board_is_drawn_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get(f"api/sessions/{FAILING}/boards/run_1").json()["svg"]
    assert 'data-step="step_1_4"' in first
    monkeypatch.setattr("tfclient.view.diagram.compile_d2", None)
    assert client.get(f"api/sessions/{FAILING}/boards/run_1").json()["svg"] == first


def test_an_unknown_board_is_a_sentence(client: TestClient) -> None:
    answer = client.get(f"api/sessions/{FAILING}/boards/run_99")
    assert answer.status_code == 404
    assert "no board 'run_99'" in answer.json()["error"]


def test_a_long_text_comes_whole_and_as_plain_bytes(
    tmp_path: Path, client_of: Callable[[Store], TestClient]
) -> None:
    store = Store(tmp_path / "store", create=True)
    text = b"<html><script>alert(1)</script>" * 100_000
    reference = store.blobs.put(text, "text/html")
    answer = client_of(store).get(f"api/blobs/{reference['blob']}")
    assert answer.content == text
    assert answer.headers["content-type"] == "application/octet-stream"


def test_only_what_is_a_picture_is_called_one(
    tmp_path: Path, client_of: Callable[[Store], TestClient]
) -> None:
    store = Store(tmp_path / "store", create=True)
    png = store.blobs.put(b"\x89PNG\r\n\x1a\nrest", "image/png")
    svg = store.blobs.put(b"<svg onload='alert(1)'/>", "image/png")
    client = client_of(store)
    assert client.get(f"api/blobs/{png['blob']}").headers["content-type"] == "image/png"
    assert client.get(f"api/blobs/{svg['blob']}").headers["content-type"] == "application/octet-stream"


def test_a_blob_that_is_not_there_is_a_sentence(client: TestClient) -> None:
    answer = client.get(f"api/blobs/sha256:{'0' * 64}")
    assert answer.status_code == 404
    assert "not in" in answer.json()["error"]


def test_a_filter_that_says_nothing_is_a_sentence(client: TestClient) -> None:
    answer = client.get("api/sessions", params={"since": "yesterday"})
    assert answer.status_code == 400
    assert "'yesterday' is no time" in answer.json()["error"]


def test_odd_numbers_of_rows_are_taken_as_none(client: TestClient) -> None:
    rows = client.get("api/sessions", params={"offset": "-1", "limit": "many"}).json()["rows"]
    assert len(rows) == 4


def test_only_few_sessions_are_kept_in_memory(
    tmp_path: Path, client_of: Callable[[Store], TestClient]
) -> None:
    store = Store(tmp_path / "store", create=True)
    for n in range(app.KEPT + 3):
        session = growing(1)
        session.session_id = f"sess_{n}"
        store.put(session)
    client = client_of(store)
    for n in range(app.KEPT + 3):
        assert client.get(f"api/sessions/sess_{n}").json()["document"]["session_id"] == f"sess_{n}"
    pages = client.app._app.routes[1].endpoint.__self__  # type: ignore[attr-defined]
    assert len(pages._kept) == app.KEPT


def test_only_few_versions_of_a_live_session_are_kept_in_memory(
    tmp_path: Path, client_of: Callable[[Store], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that was made of them, diagrams too."""
    made: list[weakref.ref[object]] = []

    class Watched(Diagram):
        def __init__(self, session: Session) -> None:
            super().__init__(session)
            made.extend((weakref.ref(self), weakref.ref(session)))

    monkeypatch.setattr(app, "Diagram", Watched)
    store = Store(tmp_path / "store", create=True)
    client = client_of(store)
    for n in range(1, 31):
        store.put(growing(n))
        path = f"api/sessions/{growing(1).session_id}"
        assert len(client.get(path).json()["reading"]["runs"]) == n
        assert client.get(f"{path}/boards").status_code == 200
    gc.collect()
    assert len(made) == 60
    assert len([each for each in made if each() is not None]) <= 2 * app.KEPT


def test_the_long_session_has_boards_for_all_its_steps(client: TestClient) -> None:
    boards = client.get(f"api/sessions/{LONG}/boards").json()
    steps = [step for board in boards for step in board["step_ids"]]
    assert len(steps) == len(set(steps)) == 2000
