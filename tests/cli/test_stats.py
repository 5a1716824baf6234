"""``tfclient stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import a_run, a_session, a_step
from tests.cli.making import HOSTILE, a_store, run, weather
from tfstore.document.documents import ErrorInfo
from tfstore.reading.totals import percentile

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def test_by_day(store: Store) -> None:
    found = run("stats", "--store", store.paths.root, "--json").json

    day = {
        "key": "2026-09-02",
        "sessions": 3,
        "failed_sessions": 1,
        "model_calls": 8,
        "tool_calls": 4,
        "errors": 2,
        "input_tokens": 4_467,
        "output_tokens": 349,
        "p50_ms": 17_600,
        "p90_ms": 17_600,
        "p99_ms": 17_600,
        "notes": 0,
        "scored": 0,
        "score": None,
    }
    assert found == {"by": "day", "total": {**day, "key": "all"}, "groups": [day]}


def test_by_model_with_the_times_of_its_calls(store: Store) -> None:
    groups = run("stats", "--by", "model", "--store", store.paths.root, "--json").json["groups"]

    gpt = groups[0]
    assert (gpt["key"], gpt["sessions"], gpt["model_calls"], gpt["errors"]) == ("gpt-4.1", 2, 8, 1)
    assert (gpt["input_tokens"], gpt["output_tokens"]) == (
        812 + 901 + 1_104 + 3 * 20 + 1_610,
        96 + 31 + 141 + 86,
    )
    # 60, 700, three of 900, 1,200, 1,400 and 2,200 ms.
    assert (gpt["p50_ms"], gpt["p90_ms"], gpt["p99_ms"]) == (900, 2_200, 2_200)


def test_by_tool_with_its_errors(store: Store) -> None:
    groups = run("stats", "--by", "tool", "--store", store.paths.root, "--json").json["groups"]

    found = {group["key"]: (group["tool_calls"], group["errors"], group["p50_ms"]) for group in groups}
    assert found["get_weather"] == (3, 1, 840)
    assert found["send_email"] == (1, 0, None)


def test_the_latest_day_is_first_and_since_leaves_out_what_was_before(tmp_path: Path) -> None:
    sessions = [weather() for _ in range(3)]
    for day, session in enumerate(sessions, start=1):
        session.session_id = f"sess_2026080{day}T000000Z_{day:08x}"
        session.started_at = f"2026-08-0{day}T00:00:00.000Z"
    root = a_store(tmp_path / "store", *sessions).paths.root

    def days(*arguments: str) -> list[str]:
        found = run("stats", "--store", root, "--json", *arguments).json
        assert found["total"]["sessions"] == len(found["groups"])
        return [group["key"] for group in found["groups"]]

    assert days() == ["2026-08-03", "2026-08-02", "2026-08-01"]
    assert days("--since", "2026-08-02") == ["2026-08-03", "2026-08-02"]


def test_a_document_that_cannot_be_read_is_told(store: Store) -> None:
    store.paths.document(HOSTILE).write_text("{", encoding="utf-8")

    outcome = run("stats", "--by", "tool", "--store", store.paths.root)

    assert outcome.code == 1
    assert "get_weather" in outcome.out
    assert f"The document of session {HOSTILE} at " in outcome.err


def test_an_answer_that_could_not_be_parsed_counts_as_an_error(tmp_path: Path) -> None:
    call = a_step("assistant_call", model="m", error=ErrorInfo("validation", "no", "ValidationError"))
    store = a_store(tmp_path / "store", a_session(a_run(call, status="failed"), result="failed"))

    (group,) = run("stats", "--by", "model", "--store", store.paths.root, "--json").json["groups"]

    assert (group["key"], group["model_calls"], group["errors"]) == ("m", 1, 1)


def test_an_empty_store(tmp_path: Path) -> None:
    root = a_store(tmp_path / "store").paths.root

    outcome = run("stats", "--store", root)

    assert (outcome.code, outcome.out, outcome.err) == (0, "", f"No sessions in {root} yet.\n")
    assert run("stats", "--by", "model", "--store", root, "--json").json["groups"] == []


def test_by_what_there_is(store: Store) -> None:
    outcome = run("stats", "--by", "moon", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")


@pytest.mark.parametrize(("share", "number"), [(50, 50), (90, 90), (99, 99), (100, 100), (0, 1)])
def test_percentiles_are_numbers_that_occurred(share: int, number: int) -> None:
    assert percentile(range(1, 101), share) == number
