"""One session's files are the same however its journal was read: as it grew, at once, by a helper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.projection.builders import Story, said, user
from tfclient.finishing.last_steps import write_and_archive
from tfclient.finishing.live import HEAVY, LiveSession
from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.finishing.recovery import unarchived
from tfstore.journal.segment import Segment
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tfstore.document.documents import Session

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


class Interrupted(LiveSession):
    """While its files are written, something else happens to its journal."""

    then: Callable[[], None] | None = None

    def project(self) -> Session:
        session = super().project()
        then, self.then = self.then, None
        if then is not None:
            then()
        return session


def written_down(store: Store, story: Story) -> None:
    with Segment.open(store.paths, SESSION) as segment:
        segment.append(*({"mono": 0, **entry} for entry in story.entries))


def test_what_a_thread_adds_while_the_files_are_written_is_in_them(tmp_path: Path) -> None:
    """Were it archived without being told, and the process killed, nobody would look at it again."""
    store = Store(tmp_path, create=True)
    first, late = Story(writer="w1"), Story(writer="w2")
    first.begin()
    first.ask([user("First?")], [said("First.")])
    late.now = first.now - 1
    late.ask([user("Late?")], [said("Late.")])
    first.ask([user("Second?")], [said("Second.")])
    first.end()
    written_down(store, first)
    live = Interrupted(store, SESSION)
    live.then = lambda: written_down(store, late)

    session = write_and_archive(live)

    assert "Late." in store.text(SESSION).decode()
    assert len(session.runs) == 3
    assert unarchived(store) == []
    assert verify(store, SESSION).problems == []
    assert not rebuild(store, SESSION).changed


def test_a_journal_that_goes_on_growing_is_left_to_whoever_makes_it_grow(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    first = Story(writer="w1")
    first.begin()
    first.ask([user("First?")], [said("First.")])
    first.end()
    written_down(store, first)
    live = Interrupted(store, SESSION)
    added: list[Story] = []

    def add() -> None:
        late = Story(writer=f"w{len(added) + 2}")
        late.now = first.now + len(added)
        late.ask([user(f"Late {len(added)}?")], [said("Late.")])
        written_down(store, late)
        added.append(late)
        live.then = add

    live.then = add
    write_and_archive(live)

    assert unarchived(store) == [SESSION]
    write_and_archive(LiveSession(store, SESSION))
    assert unarchived(store) == []
    assert store.text(SESSION).decode().count("Late.") >= len(added)
    assert verify(store, SESSION).problems == []
