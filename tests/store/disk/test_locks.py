"""One at a time, across threads and processes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tfstore.disk.locks import only_one

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_waiting_calls_no_sleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's tests count calls of ``time.sleep``, as those of the SDK's retries do."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    order: list[str] = []
    inside, asked = threading.Event(), threading.Event()

    def hold() -> None:
        with only_one(tmp_path / "lock"):
            inside.set()
            asked.wait(60)
            order.append("first")

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(60)
    with only_one(tmp_path / "lock", timeout=0.02) as mine:
        assert not mine
    asked.set()
    with only_one(tmp_path / "lock") as mine:
        assert mine
        order.append("second")
    holder.join()
    assert order == ["first", "second"]
    assert slept == []
