"""A store with something to look at, the page's application over it, and a browser to look with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import TOKEN
from tests.view.making import failing, growing, hostile, long_session
from tfd2 import CompilerMissing, find_compiler
from tfstore.store import Store

if TYPE_CHECKING:
    from starlette.testclient import TestClient

FAILING = "sess_20260902T091400Z_7f3a9c01"
LONG = "sess_20260901T091400Z_00010000"
HOSTILE = "sess_20260902T091400Z_bad0bad0"
GROWING = "sess_20260902T101400Z_11fe11fe"


@pytest.fixture(scope="session")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a failing, a very long and a hostile session; nobody writes to it."""
    store = Store(tmp_path_factory.mktemp("view") / "store", create=True)
    long = long_session()
    long.session_id = LONG
    for session in (failing(), long, hostile(), growing(2)):
        store.put(session)
    return store


@pytest.fixture
def client(full_store: Store) -> Iterator[TestClient]:
    """A client that knows the token; its addresses are relative to the page's."""
    yield from _client(full_store)


@pytest.fixture
def client_of() -> Callable[[Store], TestClient]:
    """Return a client of another store."""
    return lambda store: next(_client(store))


def _client(store: Store) -> Iterator[TestClient]:
    testing = pytest.importorskip("starlette.testclient", reason="starlette's test client is not installed")
    from tfclient.view.app import create_app

    app = create_app(store, token=TOKEN)
    yield testing.TestClient(app, base_url=f"http://127.0.0.1/{TOKEN}/", raise_server_exceptions=True)


@pytest.fixture(scope="session")
def address(full_store: Store, serve_store: Callable[[Store], str]) -> str:
    """The address of the full store's page."""
    return serve_store(full_store)


@pytest.fixture
def d2_program() -> Path:
    """The d2 program; without it, what needs it is skipped."""
    try:
        return find_compiler()
    except CompilerMissing as error:
        pytest.skip(str(error))
