"""Stores for the tests of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import NOW, a_store, going_on, hostile, run, weather

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages are told against this moment."""
    monkeypatch.setattr("tfclient.cli.now.present", lambda: NOW)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of three sessions: one that failed, one with hostile texts, one that goes on."""
    return a_store(tmp_path / "store", weather(), hostile(), going_on())


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that `tfclient demo` made; to be read only."""
    root = tmp_path_factory.mktemp("demo") / "store"
    assert run("demo", "--store", root, "--json").code == 0
    return root
