"""What sessions come to is the same before and after they went, and is counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import WEATHER, going_on, hostile, weather
from tests.store.making import a_session
from tfstore.errors import StoreUnusable
from tfstore.index.counters import from_json, of_calls
from tfstore.index.rows import Calls
from tfstore.keeping.deleting import delete

if TYPE_CHECKING:
    from tfstore.store import Store


@pytest.fixture
def full(store: Store) -> Store:
    for session in (weather(), hostile(), going_on()):
        store.put(session)
    return store


def test_they_are_what_there_is(full: Store) -> None:
    found = full.counters()

    (tool,) = [each for each in full.calls("tool_call") if each.name == "get_weather"]
    assert found["tool_calls", "get_weather", "error"] == tool.errors == 1
    assert found["tool_calls", "get_weather", "ok"] == tool.calls - 1
    assert sum(count for name, count in found.items() if name[:2] == ("call_seconds", "tool")) == sum(
        len(each.durations) for each in full.calls("tool_call")
    )
    assert found["call_milliseconds", "tool"] >= sum(tool.durations) > 0
    assert found["errors", "rate_limit"] == len(list(full.steps(error_class="rate_limit"))) > 0
    assert found["runs",] == sum(row.runs for row in full.list())
    assert sum(found["sessions", each] for each in ("completed", "failed", "cancelled", "none")) == 2


def test_they_do_not_fall_when_sessions_go(full: Store) -> None:
    before = full.counters()

    delete(full, [WEATHER])

    assert [row.session_id for row in full.list()] != []
    assert full.counters() == before
    assert WEATHER.encode() not in full.paths.pruned_totals.read_bytes()
    assert full.paths.pruned_totals.stat().st_mode & 0o777 == 0o600


def test_one_that_is_there_again_counts_once_and_another_of_its_id_for_itself(full: Store) -> None:
    before = full.counters()
    delete(full, [WEATHER])
    full.put(weather())
    assert full.counters() == before
    delete(full, [WEATHER])
    assert full.counters() == before

    full.put(a_session(WEATHER, result="completed", started_at="2026-09-30T00:00:00.000Z"))

    assert full.counters()["sessions", "completed"] == before["sessions", "completed"] + 1
    assert full.counters()["tool_calls", "get_weather", "ok"] == before["tool_calls", "get_weather", "ok"]


def test_a_line_that_was_not_written_to_its_end_is_read_past(full: Store) -> None:
    """Whoever died there had not deleted yet: it does so again."""
    before = full.counters()
    full.paths.pruned_totals.write_bytes(
        b'no JSON\n{"identity": "9f86"}\n{"identity":"x","counters":[["runs",9]]}'
    )
    assert full.counters() == before

    delete(full, [WEATHER])

    assert full.counters()["tool_calls", "get_weather", "ok"] == before["tool_calls", "get_weather", "ok"]


def test_a_file_that_cannot_be_read_is_told(full: Store) -> None:
    full.paths.pruned_totals.symlink_to("/etc/hostname")

    with pytest.raises(StoreUnusable, match=r"pruned_totals\.jsonl cannot be read"):
        full.counters()


def test_names_are_of_a_bounded_length_and_odd_numbers_are_passed_by() -> None:
    found = of_calls("assistant_call", [Calls("m\ud800" + "x" * 500, calls=1, durations=[10**9])])

    ((name, _),) = [(each, count) for each, count in found.items() if each[0] == "model_calls" and count]
    assert len(name[1]) == 200
    assert found["call_seconds", "model", "+Inf"] == 1
    assert from_json([["runs", "many"], ["runs", 1.5], [7, 8], "runs", ["runs", 2]]) == {("runs",): 2}
