from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tfstore.disk.paths import StorePaths
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def paths(tmp_path: Path) -> StorePaths:
    return StorePaths(tmp_path / "flow")


@pytest.fixture
def store(paths: StorePaths) -> Store:
    return Store(paths.root, create=True)
