"""A session that was recorded once, to be read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.export.making import recorded
from tests.server.scripted import ScriptedServer

if TYPE_CHECKING:
    from tfstore.store import Store


@pytest.fixture(scope="package")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str]:
    with ScriptedServer() as server:
        return recorded(server, tmp_path_factory.mktemp("recorded") / "store")
