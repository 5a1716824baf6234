"""What was sent to a database is noted beside the store, also by several processes at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.builders import a_chat, a_session
from tfstore.keeping.deleting import delete
from tfstore.postgres.address import Address
from tfstore.postgres.seen import Seen, stamp_in, unsent
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

TEAM = Address.of("postgresql://ada:s3cr3t@db:5433/team")
NOW = datetime(2026, 9, 2, 12, tzinfo=UTC)


def test_a_file_is_named_after_the_database(tmp_path: Path) -> None:
    seen = Seen.of(Store(tmp_path, create=True).paths, TEAM)
    assert seen.path.name.startswith("db_team-")
    assert seen.path.name != Seen.of(Store(tmp_path).paths, Address.of("postgresql://db/team")).path.name


def test_who_only_adds_reads_nothing_and_loses_nothing(tmp_path: Path) -> None:
    paths = Store(tmp_path, create=True).paths
    Seen.of(paths, TEAM).begin(NOW)
    whole, adding = Seen.of(paths, TEAM), Seen.of(paths, TEAM, read=False)
    for number in range(400):
        # The same few sessions again and again: the file is written anew from time to time.
        whole.add({f"sess_{number % 3}": ((number, 1), "9f")})
        adding.add({f"live_{number}": ((number, 1), "86")})

    now = Seen.of(paths, TEAM)
    assert now.since == "2026-09-02T12:00:00.000Z"
    assert [now.sha256(f"live_{number}", (number, 1)) for number in range(400)] == ["86"] * 400
    assert now.sha256("sess_0", (399, 1)) == "9f"
    assert now.path.read_bytes().count(b"sess_") < 400
    now.begin(datetime(2027, 1, 1, tzinfo=UTC))
    assert Seen.of(paths, TEAM).since == "2026-09-02T12:00:00.000Z"


def test_a_session_that_is_deleted_is_taken_out(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    for session_id in ("sess_1", "sess_11"):
        store.put(a_session(a_chat(), session_id=session_id))
    seen = Seen.of(store.paths, TEAM)
    seen.begin(NOW)
    seen.add({"sess_1": ((1, 1), "9f"), "sess_11": ((1, 1), "86")})

    delete(store, ["sess_1"])

    now = Seen.of(store.paths, TEAM)
    assert now.since
    assert (now.sha256("sess_1", (1, 1)), now.sha256("sess_11", (1, 1))) == (None, "86")


def test_what_waits_ended_since_it_was_begun_and_is_not_there_as_it_is_now(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    for number, hour in enumerate((11, 12, 13, 14)):
        session = a_session(a_chat(), session_id=f"sess_{number}")
        session.started_at = session.ended_at = f"2026-09-02T{hour}:00:00.000Z"
        store.put(session)
    seen = Seen.of(store.paths, TEAM)
    assert unsent(store, seen).session_ids == ["sess_0", "sess_1", "sess_2", "sess_3"]
    seen.begin(NOW)
    stamp = stamp_in(store, "sess_2")
    assert stamp is not None
    seen.add({"sess_2": (stamp, "9f"), "sess_3": ((1, 1), "9f")})

    assert unsent(store, Seen.of(store.paths, TEAM)).session_ids == ["sess_1", "sess_3"]
