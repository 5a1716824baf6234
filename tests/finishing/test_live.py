"""One session's files are the same however its journal was read: as it grew, at once, by a helper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.projection.builders import Story, said, user
from tfclient.finishing.live import HEAVY, LiveSession
from tfclient.finishing.rebuilding import rebuild
from tfstore.journal.segment import Segment
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "sess_20260901T120000Z_00000001"
LONG = "long " * 300_000


def test_long_segments_of_several_writers_are_one_order(tmp_path: Path) -> None:
    """What is read of one segment at a time is no order between them."""
    store = Store(tmp_path, create=True)
    slow, quick = Story(writer="w1"), Story(writer="w2")
    slow.begin()
    for n in range(4):
        slow.ask([user(f"{n} {LONG}")], [said("Yes.")])
    quick.now = slow.now - 500
    quick.ask([user("Quick?")], [said("Quick.")])
    slow.ask([user("And now?")], [said("No.")])
    slow.end()
    for story in (slow, quick):
        with Segment.open(store.paths, SESSION) as segment:
            segment.append(*({"mono": 0, **entry} for entry in story.entries))

    LiveSession(store, SESSION).write_files(HEAVY)

    assert not rebuild(store, SESSION).changed
