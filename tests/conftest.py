"""What every test may use: a scripted server, the recordings, and an environment of its own."""

from __future__ import annotations

import functools
import gc
import os
import sys
import threading
import traceback
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import typer.testing
from hypothesis import settings

from tests.browser import browser, page, serve_store, watched
from tests.no_sockets import no_sockets
from tests.postgres import database, postgres_server
from tests.server.scripted import ScriptedServer

__all__ = ["browser", "database", "no_sockets", "page", "postgres_server", "serve_store", "watched"]

# How long an example takes says nothing about whether it is right. TFCLIENT_LONG_TESTS=1 tries more of them.
settings.register_profile(
    "tfclient", deadline=None, max_examples=200 if os.environ.get("TFCLIENT_LONG_TESTS") else 50
)
settings.load_profile("tfclient")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what is there for as long as the tests are."""
    gc.collect()
    gc.freeze()


# It builds all commands for each of the thousands of times that a test runs one.
typer.testing.__dict__["_get_command"] = functools.cache(typer.main.get_command)

_RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:  # noqa: ARG001 - pytest's name
    """Say of a test that failed what all threads were at: of one that waited in vain, for whom."""
    report = yield
    if report.failed:
        report.sections.append(("Threads", "\n".join(_stacks())))
    return report


def _stacks() -> Iterator[str]:
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if (frame := frames.get(thread.ident or 0)) is not None:
            yield f"{thread.name}:\n{''.join(traceback.format_stack(frame)[-12:])}"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep the caller's settings out, and sessions in the test's own folder; gives the store's path."""
    for name in os.environ:
        if name.startswith(("THOUGHTFLOW_", "OPENAI_", "AZURE_OPENAI_", "PG")):
            monkeypatch.delenv(name)
    store = tmp_path / ".thoughtflow"
    monkeypatch.setenv("THOUGHTFLOW_DIR", str(store))
    return store


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that answers as :meth:`ScriptedServer.script` says; whatever waits is let go in the end."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded traffic, which lies beside the repository and not in it."""
    if not _RECORDINGS.is_dir():
        pytest.skip("there are no recordings beside the repository")
    return _RECORDINGS
