"""What a replay leaves in the store: a session that says so, and no number that counts twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import tfclient
from tests.capture.driver import MODEL, Driver
from tests.cli.making import run
from tests.docs.test_journal import check
from tests.server.replies import HangUp, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.replaying.recording import Studio
    from tests.server.scripted import ScriptedServer


@pytest.fixture
def drive(server: ScriptedServer) -> Iterator[Driver]:
    driver = Driver(server.url)
    yield driver
    driver.close()


def chain(drive: Driver, client: Any) -> str:
    first = drive.do(client.responses.create(model=MODEL, input="Hi"))
    more = {"previous_response_id": first.id}
    return drive.do(client.responses.create(model=MODEL, input="And you?", **more)).id  # type: ignore[no-any-return]


@pytest.fixture
def replayed(studio: Studio) -> Studio:
    studio.record(chain, answer("Hello!"), answer("Fine."))
    studio.play(chain)
    return studio


def test_totals_and_the_index_of_responses_leave_it_out(replayed: Studio) -> None:
    before = run("stats", "--store", replayed.store.paths.root, "--json").json
    by_model = run("stats", "--by", "model", "--store", replayed.store.paths.root, "--json").json
    first, second = replayed.both()
    assert run("stats", "--store", replayed.store.paths.root, "--json").json == before
    assert run("stats", "--by", "model", "--store", replayed.store.paths.root, "--json").json == by_model
    usage = first.summary.usage
    assert second.summary.usage == usage
    assert before["total"]["model_calls"] == 2
    assert before["total"]["sessions"] == 1
    assert before["total"]["input_tokens"] == usage.input_tokens > 0
    assert "Not counted: 1 replay." in run("stats", "--store", replayed.store.paths.root).err
    for step in first.runs[0].steps:
        if step.response_id and step.label == "assistant_call":
            found = replayed.store.find_response(step.response_id)
            assert found is not None
            assert found[0] == first.session_id
            assert replayed.store.continued_in(step.response_id) == []


def test_what_missed_went_nowhere_and_counts_in_no_total(studio: Studio) -> None:
    studio.record(chain, answer("Hello!"), answer("Fine."))
    before = run("stats", "--store", studio.store.paths.root, "--json").json

    def another(drive: Driver, client: Any) -> None:
        drive.do(client.responses.create(model=MODEL, input="Hi"))
        drive.do(client.responses.create(model=MODEL, input="Something else"))

    with pytest.raises(tfclient.ReplayMiss):
        studio.play(another)
    _, second = studio.both()
    assert second.replay is not None
    assert (second.replay.exact, second.replay.live, second.replay.unplayed) == (1, 0, 1)
    (error,) = [step.error for each in second.runs for step in each.steps if step.error is not None]
    assert error.code == "ReplayMiss"
    shown = run("show", second.session_id, "--store", studio.store.paths.root, columns=200).out
    assert f"replay of {studio.session_id[-8:]}: 1 exact, 1 not played" in shown
    assert run("stats", "--store", studio.store.paths.root, "--json").json == before


def test_list_and_show_say_so(replayed: Studio) -> None:
    first, second = replayed.both()
    rows = {
        row["session_id"]: row for row in run("list", "--store", replayed.store.paths.root, "--json").json
    }
    assert (rows[first.session_id]["replay"], rows[second.session_id]["replay"]) == (None, "replay")
    assert run("list", "--store", replayed.store.paths.root).out.count("completed, replay") == 1
    shown = run("show", second.session_id, "--store", replayed.store.paths.root, columns=200).out
    assert f"replay of {first.session_id[-8:]}: 2 exact" in shown


def test_last_is_the_latest_that_is_no_replay(replayed: Studio) -> None:
    replayed.ended()
    assert tfclient.replay("last").tape.session_id == replayed.session_id
    assert tfclient.replay(replayed.session_id[-8:]).tape.session_id == replayed.session_id


def test_its_journal_is_as_the_types_say(studio: Studio) -> None:
    studio.record(chain, HangUp(), answer("Hello!"), answer("Fine."))
    studio.play(chain)
    entries, report = studio.store.journal(studio.both()[1].session_id)
    assert report.intact
    for entry in entries:
        check(entry)
    assert [each["type"] for each in entries if "replay" in each] == ["session.started", "session.ended"]
    assert entries[-1]["replay"]["unplayed"] == 0


def test_what_is_made_of_its_journal_again_is_the_same(replayed: Studio) -> None:
    _, second = replayed.both()
    assert run("verify", second.session_id, "--store", replayed.store.paths.root).code == 0
