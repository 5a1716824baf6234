"""The page over a database shows what it shows over the folder that was sent there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.store.postgres.making import migrated, read, sync
from tests.view.conftest import FAILING, HOSTILE
from tests.view.making import failing, hostile
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.testclient import TestClient

    from tests.postgres import Server


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("small") / "store", create=True)
    for session in (failing(), hostile()):
        store.put(session)
    return store


@pytest.fixture(scope="module")
def team(small: Store, postgres_server: Server) -> Iterator[Any]:
    url = postgres_server.new_url()
    migrated(url)
    sync(small, url)
    with read(url) as store:
        yield store


PATHS = [
    "api/sessions?q=weather",
    "api/names",
    f"api/sessions/{FAILING}",
    f"api/sessions/{HOSTILE}/d2",
    f"api/sessions/{FAILING}/why/step_1_2",
    f"api/sessions/{FAILING}/steps/step_1_2",
    "api/sessions/nobody",
    "api/blobs/none",
]


@pytest.mark.parametrize("path", PATHS)
def test_it_answers_alike(
    small: Store, team: Any, client_of: Callable[[Store], TestClient], path: str
) -> None:
    of_folder, of_database = client_of(small).get(path), client_of(team).get(path)

    assert of_database.status_code == of_folder.status_code
    left = {"version", "rows"}
    if path.startswith("api/sessions?"):
        told, other = of_database.json(), of_folder.json()
        assert [row["session_id"] for row in told["rows"]] == [row["session_id"] for row in other["rows"]]
        assert {name: told[name] for name in told.keys() - left} == {
            name: other[name] for name in other.keys() - left
        }
    else:
        assert of_database.content == of_folder.content


def test_a_document_that_did_not_change_is_not_sent_again_and_no_notes_are_written(
    team: Any, client_of: Callable[[Store], TestClient]
) -> None:
    client = client_of(cast("Any", team))
    path = f"api/sessions/{FAILING}"
    etag = client.get(path).headers["etag"]

    assert client.get(path, headers={"if-none-match": etag}).status_code == 304
    assert client.get(f"{path}/notes").json()["writes"] is False
    assert client.post(f"{path}/notes", json={"text": "x"}).status_code in {403, 405}
