"""A long conversation: its journal stays small, its memory flat, and nothing of it is missing.

TFCLIENT_LONG_TESTS=1 talks for an hour, not for four minutes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.capture import journals
from tests.capture.sockets.hours import A_SECOND, TURN, conversation

if TYPE_CHECKING:
    from tests.capture.sockets.hours import Talk

LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))

_AN_HOUR = 3600
_MOST = 30_000_000
"""Bytes of an hour's journal, before it is packed."""

_GROWTH = 25.0
"""Megabytes by which memory may be larger after an hour than after ten minutes."""

_STATUS = Path("/proc/self/status")


def memory() -> float:
    told = _STATUS.read_text()
    return int(told.partition("VmRSS:")[2].split()[0]) / 1024


def checked(talk: Talk, seconds: int) -> None:
    assert talk.closed() * _AN_HOUR / seconds < _MOST
    sounds = journals.entries(talk.root, "socket.audio")
    by_way = {way: sum(each["ms"] for each in sounds if each["dir"] == way) for way in ("in", "out")}
    assert by_way == {"out": seconds * 1000, "in": seconds // TURN * 7 * 1000}
    assert sum(each["frames"] for each in sounds if each["dir"] == "out") == seconds * A_SECOND
    # A line for each second of each side, and the rest of it at the end of what is said.
    assert len(sounds) < seconds * 2.2
    document = talk.document()
    assert len(document.runs) == seconds // TURN
    assert all(run.status == "completed" for run in document.runs)
    assert document.summary.model_calls == seconds // TURN
    stats = talk.recorder.stats()
    assert (stats.lost, stats.faults) == (0, 0)


def test_minutes_of_both_sides(tmp_path: Path) -> None:
    with conversation(tmp_path) as talk:
        talk.goes_on(240)
        checked(talk, 240)


@pytest.mark.skipif(not LONG or not _STATUS.exists(), reason="half a minute: TFCLIENT_LONG_TESTS=1, on Linux")
@pytest.mark.timeout(600)
def test_an_hour_of_both_sides(tmp_path: Path) -> None:
    with conversation(tmp_path) as talk:
        talk.goes_on(600)
        before = memory()
        talk.goes_on(_AN_HOUR - 600)
        assert memory() - before < _GROWTH
        checked(talk, _AN_HOUR)
