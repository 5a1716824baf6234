"""Stores that models look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import a_store, going_on, hostile, run, weather
from tests.mcp.talking import store_of_recordings
from tests.projection.recorded import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


@pytest.fixture(scope="session")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of a hundred recordings; to be read only."""
    if not FOLDER.is_dir():
        pytest.skip(f"no recordings at {FOLDER}")
    return store_of_recordings(tmp_path_factory.mktemp("hundred") / "store")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that `tfclient demo` made; to be read only."""
    root = tmp_path_factory.mktemp("demo") / "store"
    assert run("demo", "--store", root, "--json").code == 0
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a store of three sessions: one that failed, one with hostile texts, one that goes on."""
    return a_store(tmp_path / "store", weather(), hostile(), going_on()).paths.root
