"""Who may see the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import TOKEN
from tests.view.conftest import FAILING
from tfclient.view.guard import Guard, new_token

if TYPE_CHECKING:
    from starlette.testclient import TestClient

EVERYWHERE = [
    "",
    "static/main.js",
    "api/sessions",
    "api/names",
    f"api/sessions/{FAILING}",
    f"api/sessions/{FAILING}/d2",
    f"api/sessions/{FAILING}/boards",
    "api/blobs/sha256:00",
    "nothing",
]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("token", ["", "wrong/", f"{TOKEN[:-1]}/", f"{TOKEN}x/", f"x/{TOKEN}/", f"/{TOKEN}/"])
def test_nothing_is_shown_without_the_token(client: TestClient, path: str, token: str) -> None:
    answer = client.get(f"http://127.0.0.1/{token}{path}")
    assert answer.status_code == 403
    assert "token" in answer.text
    assert "Weather" not in answer.text


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:127",
        "192.168.0.1",
        "localhost.evil.example",
        "",
    ],
)
def test_a_name_that_was_made_to_point_here_gets_nothing(client: TestClient, path: str, host: str) -> None:
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == 421
    assert "127.0.0.1" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST"])
def test_this_machine_by_its_own_name_is_let_in(client: TestClient, host: str) -> None:
    assert client.get("api/names", headers={"host": host}).status_code == 200


def test_another_port_than_ours_is_another_page(client: TestClient) -> None:
    guard = client.app
    assert isinstance(guard, Guard)
    guard._port = 4711
    assert client.get("api/names", headers={"host": "127.0.0.1:4711"}).status_code == 200
    assert client.get("api/names", headers={"host": "127.0.0.1:4712"}).status_code == 421
    assert client.get("api/names", headers={"host": "127.0.0.1"}).status_code == 421


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_the_page_is_read_only(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", [*EVERYWHERE, f"http://127.0.0.1/wrong/{FAILING}"])
def test_every_answer_carries_the_policy(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "static/../app.py",
        "static/..%2fapp.py",
        "static/%2e%2e/app.py",
        "static/..%5capp.py",
        "static//etc/passwd",
        "static/%2fetc%2fpasswd",
        "static/main.js%00.css",
        "static/",
        "api/sessions/..%2f..%2fcatalog",
        "api/sessions/%2fetc%2fpasswd",
        "api/sessions/../../../etc/passwd",
        "api/blobs/..%2f..%2fsessions",
        "api/blobs/sha256:..%2f..",
        "%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_path_leads_out_of_what_is_shown(client: TestClient, path: str) -> None:
    # Spelled out, so that the client does not tidy the path up.
    answer = client.get(f"http://127.0.0.1/{TOKEN}/{path}")
    assert answer.status_code in {403, 404}
    assert "root:" not in answer.text
    assert "import" not in answer.text


def test_tokens_cannot_be_guessed() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) >= 32 for token in tokens)
