"""Starting the page's server, and what can be in the way."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from tests.view.conftest import FAILING
from tfclient.view import ExtraMissing, PortInUse, serve
from tfstore.errors import UnknownSession

if TYPE_CHECKING:
    from tfstore.store import Store


def test_a_port_in_use_is_told(full_store: Store) -> None:
    pytest.importorskip("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"127.0.0.1:{port} .* Name another port"):
            serve(full_store, port=port, open_browser=False)


def test_an_unknown_session_is_told_before_anything_is_served(full_store: Store) -> None:
    pytest.importorskip("uvicorn")
    with pytest.raises(UnknownSession, match="sess_nowhere"):
        serve(full_store, "sess_nowhere", open_browser=False, ready=pytest.fail)


@pytest.mark.parametrize("package", ["uvicorn", "starlette.applications", "jinja2"])
def test_a_missing_package_is_told(full_store: Store, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    from tfclient.view import page

    page._template.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "tfclient.view.app", raising=False)
    with pytest.raises(ExtraMissing, match=r"pip install 'tfclient\[view\]'"):
        serve(full_store, open_browser=False, ready=pytest.fail)


def test_importing_the_page_needs_none_of_its_packages() -> None:
    code = "import sys, tfclient.view; print(sorted({'starlette', 'uvicorn', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_it_listens_on_this_machine_only_and_opens_the_browser(
    full_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    uvicorn = pytest.importorskip("uvicorn")
    opened: list[str] = []
    servers: list[Any] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    started = threading.Event()

    class Server(uvicorn.Server):  # type: ignore[misc,name-defined]
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            assert sockets is not None
            assert [each.getsockname()[0] for each in sockets] == ["127.0.0.1"]
            servers.append(self)
            started.set()

    monkeypatch.setattr(uvicorn, "Server", Server)
    told: list[str] = []
    thread = threading.Thread(target=serve, args=(full_store, "last"), kwargs={"ready": told.append})
    thread.start()
    assert started.wait(60)
    assert told == opened
    with urlopen(told[0]) as answer:  # noqa: S310 - our own
        text = answer.read().decode()
    servers[0].should_exit = True
    thread.join(60)
    assert not thread.is_alive()
    assert '"start":"sess_20260902T101400Z_11fe11fe"' in text
    assert told[0].startswith("http://127.0.0.1:")
    assert len(told[0].split("/")[3]) >= 32


def test_the_address_is_another_one_every_time(full_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    uvicorn = pytest.importorskip("uvicorn")
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)
    told: list[str] = []
    for _ in range(2):
        serve(full_store, FAILING, open_browser=False, ready=told.append)
    assert told[0].split("/")[3] != told[1].split("/")[3]
