"""A guard against sockets: in this process, in a program of its own, in somebody's tests."""

from __future__ import annotations

import socket
from typing import Any, Final

import pytest

IN_A_PROGRAM: Final = """\
import os, socket
def refused(*_, **__): os._exit(77)
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refused
"""
"""Put before a program, ends it with exit status 77 where it opens a socket, whatever it catches."""

OF_A_PROJECT: Final = """
    import socket
    import pytest

    @pytest.fixture(autouse=True)
    def no_sockets(monkeypatch):
        def refused(*args, **_):
            pytest.fail(f"a socket was opened: {args[1:]}")

        for name in ("connect", "connect_ex"):
            monkeypatch.setattr(socket.socket, name, refused)
        monkeypatch.setattr(socket, "getaddrinfo", refused)
"""
"""The ``conftest.py`` of a project whose tests are to stay offline, in whichever process."""


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, fail a test that opens a socket; no ``except Exception`` swallows that."""

    def refused(*args: Any, **_: Any) -> Any:
        pytest.fail(f"a socket was opened: {args[1:]}")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if it opens a socket."""
    refuse(monkeypatch)
