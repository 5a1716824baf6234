from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crash.program import talk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True, scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import here, once, what a recorder imports when it is first needed: most of a forked child's time."""
    root = tmp_path_factory.mktemp("warm")
    talk(root, lambda _: None)
    return root
