"""Real receivers, each from an environment of its own that ``make receivers`` makes, on this machine only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import frozen

FOLDER: Final = os.environ.get("TFCLIENT_RECEIVERS", "")
"""Where the environments are: set by ``make receivers``."""

_READY: Final = 120.0


@frozen
class Server:
    """A receiver that runs: its address, what it keeps, and what it printed."""

    url: str
    folder: Path
    output: Path

    def get(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"content-type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)


def program(receiver: str, name: str) -> Path:
    return Path(FOLDER).resolve() / receiver / "bin" / name


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(
    command: list[str], url: str, ready: str, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[Server]:
    """Run a receiver until the block ends: it and all that it started."""
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - what the Makefile installed
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, url, ready, output)
        yield Server(url, folder, output)
    finally:
        # Its group is its own: nobody else is in it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, ready: str, output: Path) -> None:
    pause = threading.Event()
    for _ in range(int(_READY / 0.2)):
        assert process.poll() is None, output.read_text("utf-8", "replace")[-2000:]
        with contextlib.suppress(OSError):
            if ready:
                with urllib.request.urlopen(f"{url}{ready}", timeout=5) as answer:  # noqa: S310
                    if answer.status == 200:
                        return
            else:
                host, port = url.removeprefix("http://").split(":")
                socket.create_connection((host, int(port)), 1).close()
                return
        pause.wait(0.2)
    raise AssertionError(f"not ready within {_READY:g} s: {output.read_text('utf-8', 'replace')[-2000:]}")
