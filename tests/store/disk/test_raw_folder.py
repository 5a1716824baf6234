"""What is recorded raw on the disk: who may read it, when it goes, and with what."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.store.making import a_session
from tfstore.disk.raw_folder import Expired, bytes_of, expire, mark_incomplete, put, raw_parts, raw_sessions
from tfstore.keeping.deleting import delete
from tfstore.keeping.doctor import examine
from tfstore.keeping.pruning import size_of_session

if TYPE_CHECKING:
    from tfstore.store import Store

DAY = 86_400


def a_body(store: Store, session_id: str, name: str = "c-1.1.request", *, days_ago: float = 0.0) -> None:
    put(store.paths, session_id, name, [b"hello ", b"world"])
    put(store.paths, session_id, f"{name}.json", [b'{"method":"POST"}'], anew=True)
    then = time.time() - days_ago * DAY
    for path in store.paths.raw_of(session_id).glob(f"{name}*"):
        os.utime(path, (then, then))


def test_it_is_for_its_owner_alone_and_comes_in_the_order_of_the_exchanges(store: Store) -> None:
    for name in ("c-10.1.response", "c-2.1.response", "c-2.1.request"):
        a_body(store, "one", name)

    parts = raw_parts(store.paths, "one")

    assert [(each.name, each.kind) for each in parts] == [
        ("c-2.1", "request"),
        ("c-2.1", "response"),
        ("c-10.1", "response"),
    ]
    assert (parts[0].content(), parts[0].size, parts[0].about) == (b"hello world", 11, {"method": "POST"})
    assert {path.stat().st_mode & 0o777 for path in store.paths.raw.rglob("*.*")} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (store.paths.raw, store.paths.raw_of("one"))} == {0o700}


def test_what_is_missing_of_a_body_is_said_beside_it(store: Store) -> None:
    a_body(store, "one")
    mark_incomplete(store.paths, "one", "c-1.1.request")

    (part,) = raw_parts(store.paths, "one")
    assert part.about == {"method": "POST", "incomplete": True}


@pytest.mark.parametrize("name", ["../x.request", "c-1.1.other", ".request", "c/1.request"])
def test_names_lead_nowhere_else(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a raw file"):
        put(store.paths, "one", name, [b""])


def test_a_link_is_not_followed(store: Store) -> None:
    target = store.paths.root.parent / "elsewhere"
    target.write_bytes(b"theirs")
    a_body(store, "one")
    (store.paths.raw_of("one") / "c-2.1.request").symlink_to(target)

    with pytest.raises(OSError, match=r"c-2\.1\.request"):
        put(store.paths, "one", "c-2.1.request", [b"ours"])
    assert [each.name for each in raw_parts(store.paths, "one")] == ["c-1.1"]
    assert target.read_bytes() == b"theirs"


def test_old_files_go_and_others_stay(store: Store) -> None:
    a_body(store, "old", days_ago=4)
    a_body(store, "both", days_ago=4)
    a_body(store, "both", "c-9.1.response")

    would = expire(store.paths, timedelta(days=3), dry=True)
    still = raw_sessions(store.paths)
    done = expire(store.paths, timedelta(days=3))

    assert would == done == Expired(4, 2 * (11 + 17))
    assert still == ["both", "old"]
    assert raw_sessions(store.paths) == ["both"]
    assert [each.name for each in raw_parts(store.paths, "both")] == ["c-9.1"]
    assert expire(store.paths, timedelta(days=3)) == Expired()


def test_it_goes_with_its_session_and_counts_in_its_size(store: Store) -> None:
    for name in ("sess_1", "sess_2"):
        store.put(a_session(session_id=name))
        a_body(store, name)
    assert size_of_session(store, "sess_1") > bytes_of(store.paths, "sess_1") == 28

    delete(store, ["sess_1"])

    assert raw_sessions(store.paths) == ["sess_2"]


def test_what_a_killed_program_left_is_found_and_goes(store: Store) -> None:
    """It died before its journal, or a deletion in the middle."""
    a_body(store, "sess_gone")

    (problem,) = examine(store)
    assert (problem.kind, problem.session_id, problem.mend) == ("leftover_file", "sess_gone", "delete")

    delete(store, ["sess_gone"])
    assert list(examine(store)) == []
    assert raw_sessions(store.paths) == []
