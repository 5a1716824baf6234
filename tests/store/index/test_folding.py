"""Of very many sessions that went, the numbers are added together: nothing counts twice, nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.builders import a_chat, a_session
from tests.cli.making import WEATHER, weather
from tfstore.index import pruned_totals
from tfstore.index.counters import Counters, identity_of
from tfstore.keeping.deleting import delete

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store

COUNT = 7
NAMES = [f"sess_{number}" for number in range(COUNT)]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruned_totals, "MOST", 4)


@pytest.fixture
def full(store: Store) -> Store:
    put(store, *NAMES)
    store.put(weather())
    return store


def put(store: Store, *names: str) -> None:
    for name in names:
        session = a_session(a_chat("Hello", "Hi"), session_id=name, result="completed")
        session.started_at = "2026-09-01T00:00:00.000Z"
        store.put(session)


def _lines(store: Store) -> list[dict[str, object]]:
    return [json.loads(line) for line in store.paths.pruned_totals.read_bytes().splitlines()]


def _counters(store: Store) -> Counters:
    return +store.counters()


def test_the_earliest_become_one_line_and_the_counters_do_not_move(full: Store) -> None:
    before = _counters(full)
    for name in NAMES:
        delete(full, [name])
        assert _counters(full) == before

    lines = _lines(full)
    assert [each["identity"] == "folded" for each in lines] == [True, *[False] * (len(lines) - 1)]
    assert len(lines) < COUNT - 1
    assert not any(name.encode() in full.paths.pruned_totals.read_bytes() for name in NAMES)
    assert full.paths.pruned_totals.stat().st_mode & 0o777 == 0o600


def test_one_that_comes_again_counts_once_wherever_its_numbers_are(full: Store) -> None:
    before = _counters(full)
    delete(full, NAMES)
    for name in (*NAMES, WEATHER):
        put(full, name) if name != WEATHER else full.put(weather())
        assert _counters(full) == before
    delete(full, [*NAMES, WEATHER])
    assert _counters(full) == before
    # Those that were added together are not written down again.
    assert len(pruned_totals.read(full.paths).each) <= pruned_totals.MOST

    other = a_session(a_chat("Another", "Hi"), session_id=NAMES[0], result="completed")
    other.started_at = "2026-09-30T00:00:00.000Z"
    full.put(other)
    assert _counters(full)["sessions", "completed"] == before["sessions", "completed"] + 1


def test_those_that_are_there_again_keep_their_lines(full: Store) -> None:
    before = _counters(full)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruned_totals, "MOST", 100)
        delete(full, NAMES)
        put(full, *NAMES[:6])

    delete(full, [WEATHER])

    (together,) = [each for each in _lines(full) if each["identity"] == "folded"]
    assert len(pruned_totals.read(full.paths).each) == 6
    assert ["sessions", "completed", 1] in list(together["counters"])  # type: ignore[call-overload] # a list
    assert _counters(full) == before


def test_one_that_goes_and_comes_all_the_time_has_some_lines(full: Store) -> None:
    before = _counters(full)
    for _ in range(12):
        delete(full, NAMES[:1])
        put(full, NAMES[0])

    assert len(_lines(full)) <= pruned_totals.MOST
    assert _counters(full) == before


def test_eleven_bytes_are_left_of_a_session(store: Store) -> None:
    """Not a line with all its numbers, for ever."""
    went: dict[str, Counters] = {
        identity_of(f"sess_{number}", None): Counter({("runs",): 2}) for number in range(3_000)
    }
    for _ in range(2):
        pruned_totals.keep(store.paths, went)
        pruned_totals.fold(store.paths, set)

    assert store.paths.pruned_totals.stat().st_size < 3_000 * 11 + 1_000
    assert store.counters()["runs",] == 6_000
    # What went is known: told again, nothing is added.
    pruned_totals.keep(store.paths, went)
    assert store.counters()["runs",] == 6_000


def test_a_line_of_many_that_is_damaged_is_no_end_of_counting(full: Store) -> None:
    before = _counters(full)
    with full.paths.pruned_totals.open("wb") as file:
        file.write(b'{"identity":"folded","counters":[["folded","A",0],["folded",7,0],7,[],["runs",3]]}\n')
    assert _counters(full)["runs",] == before["runs",] + 3

    delete(full, NAMES)

    assert len(_lines(full)) < COUNT
    assert _counters(full)["runs",] == before["runs",] + 3


KILLED = """
    import os, sys, json
    from pathlib import Path
    from tests.store.index.test_folding import NAMES, put
    from tfstore.index import pruned_totals
    from tfstore.keeping.deleting import delete
    from tfstore.store import Store

    pruned_totals.MOST = 2
    base, seen = Path(sys.argv[1]), []
    DYING = ("write", "replace", "rename", "unlink", "ftruncate", "fsync")

    def dies_at(statement):
        count = 0
        for name in DYING:
            def counted(*arguments, whole=getattr(os, name), **more):
                nonlocal count
                count += 1
                if count == statement:
                    os._exit(9)
                return whole(*arguments, **more)
            setattr(os, name, counted)

    statement, code = 0, 9
    while code:
        statement += 1
        store = Store(base / str(statement), create=True)
        put(store, *NAMES[:3])
        delete(store, NAMES[:2])
        before = +store.counters()
        child = os.fork()
        if not child:
            dies_at(statement)
            delete(Store(store.paths.root), NAMES[2:3])
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 9), code
        store = Store(store.paths.root)
        seen.append(+store.counters() == before)
        if any(store.paths.root.rglob(f"*{NAMES[2]}*")):
            delete(store, NAMES[2:3])
        assert +store.counters() == before, statement
        # Who died when it was gone folds nothing: that is done with the next.
        assert code or pruned_totals.read(store.paths).together
    print(json.dumps(seen))
"""


def test_killed_at_any_write_nothing_counts_twice_and_nothing_is_lost(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr[-2_000:]
    seen = json.loads(done.stdout)
    assert len(seen) > 5
    assert all(seen)
