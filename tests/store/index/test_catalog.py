from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.making import run
from tfstore.document.documents import Usage
from tfstore.errors import InvalidSessionId
from tfstore.index.catalog import FULL, Catalog, CatalogRow
from tfstore.index.responses import Link, ResponseIndex

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths


@pytest.fixture
def catalog(paths: StorePaths) -> Catalog:
    return Catalog(paths)


def session_id(number: int, day: int = 20260902) -> str:
    return f"sess_{day}T091400Z_{number:08x}"


def titles(catalog: Catalog) -> dict[str, str]:
    return {row.session_id: row.title for row in catalog.rows()}


def piece_files(paths: StorePaths) -> list[Path]:
    return sorted(path for path in paths.catalog.rglob("*.json") if not path.name.startswith("."))


def test_a_row_comes_back(catalog: Catalog) -> None:
    row = CatalogRow(
        session_id(1),
        title="Olá",
        status="closed",
        result="failed",
        duration_ms=12,
        models={"gpt-5": 2},
        tools={"weather": 1},
        usage=Usage(input_tokens=3, total_tokens=5),
    )
    catalog.put(row)

    assert catalog.get(row.session_id) == row
    assert catalog.get(session_id(2)) is None
    assert list(catalog.rows()) == [row]


def test_a_later_row_takes_the_place_of_the_earlier(catalog: Catalog) -> None:
    catalog.put(CatalogRow(session_id(1), title="before", tools={"old": 1}))
    catalog.put(CatalogRow(session_id(1), title="after", tools={"new": 1}))

    assert list(catalog.rows()) == [CatalogRow(session_id(1), title="after", tools={"new": 1})]


def test_many_sessions_of_one_day_are_kept_in_small_pieces(catalog: Catalog, paths: StorePaths) -> None:
    expected = {session_id(number): str(number) for number in range(FULL * 12)}
    for each, title in expected.items():
        catalog.put(CatalogRow(each, title=title))

    assert titles(catalog) == expected
    pieces = piece_files(paths)
    assert len(pieces) > 12
    assert max(len(json.loads(piece.read_text())["rows"]) for piece in pieces) <= FULL
    for each, title in expected.items():
        row = catalog.get(each)
        assert row is not None
        assert row.title == title


def test_few_sessions_are_kept_in_few_files(catalog: Catalog, paths: StorePaths) -> None:
    for number in range(FULL):
        catalog.put(CatalogRow(session_id(number)))

    assert len(piece_files(paths)) == 1


def test_the_latest_day_comes_first(catalog: Catalog) -> None:
    days = [20260902, 20250101, 20261231, 20260101]
    for day in days:
        catalog.put(CatalogRow(session_id(1, day)))
    catalog.put(CatalogRow("my-own-id"))

    assert [day for day, _ in catalog.pieces()] == ["other", *map(str, sorted(days, reverse=True))]
    assert [day for day, _ in catalog.pieces(since="20260902")] == ["other", "20261231", "20260902"]


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "{",
        "[]",
        "null",
        '{"rows": []}',
        '{"rows": {"a": 1}}',
        '{"other": {}}',
        "[" * 100_000,
        '{"rows": {"a": {"usage": []}}}',
        '{"rows": {"a": {"session_id": "a", "runs": "many"}}}',
    ],
    ids=lambda text: text[:30],
)
def test_a_corrupt_piece_hides_no_other_and_is_told(
    catalog: Catalog, paths: StorePaths, hostile: str
) -> None:
    catalog.put(CatalogRow(session_id(1, 20260902)))
    catalog.put(CatalogRow(session_id(2, 20260903)))
    corrupt = paths.catalog / "20260902.json"
    corrupt.write_text(hostile)

    assert set(titles(catalog)) == {session_id(2, 20260903)}
    assert set(catalog.trouble) == {corrupt}
    assert catalog.get(session_id(1, 20260902)) is None
    catalog.remove(session_id(1, 20260902))


def test_a_row_can_be_put_where_a_piece_is_corrupt(catalog: Catalog, paths: StorePaths) -> None:
    catalog.put(CatalogRow(session_id(1)))
    corrupt = paths.catalog / "20260902.json"
    corrupt.write_text("{")
    catalog.put(CatalogRow(session_id(2)))

    assert set(titles(catalog)) == {session_id(2)}
    assert corrupt.with_suffix(".corrupt").read_text() == "{"
    assert corrupt in catalog.trouble


def test_a_division_that_was_interrupted_is_done_again(catalog: Catalog, paths: StorePaths) -> None:
    for number in range(FULL):
        catalog.put(CatalogRow(session_id(number), title="kept"))
    left = paths.catalog / ".20260902.tmp"
    left.mkdir()
    (left / "0.json").write_text("half of")
    before = (paths.catalog / "20260902.json").read_text()
    catalog.put(CatalogRow(session_id(FULL), title="kept"))
    # As if it had died before the piece was removed: from the move on the folder counts.
    (paths.catalog / "20260902.json").write_text(before.replace("kept", "old"))

    assert titles(catalog) == {session_id(number): "kept" for number in range(FULL + 1)}


def test_a_catalog_that_was_deleted_begins_again(catalog: Catalog, paths: StorePaths) -> None:
    catalog.put(CatalogRow(session_id(1)))
    paths.catalog.rename(paths.root / "away")
    assert list(catalog.rows()) == []
    catalog.put(CatalogRow(session_id(2)))

    assert set(titles(catalog)) == {session_id(2)}


def test_an_id_that_leaves_the_folder_is_refused(catalog: Catalog, paths: StorePaths) -> None:
    for attempt in (catalog.get, catalog.remove, lambda each: catalog.put(CatalogRow(each))):
        with pytest.raises(InvalidSessionId):
            attempt("../../evil")
    assert not paths.root.exists()


@given(st.lists(st.tuples(st.sampled_from(["put", "remove"]), st.integers(0, 8), st.booleans())))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_what_was_put_and_not_removed(
    paths: StorePaths, operations: list[tuple[str, int, bool]]
) -> None:
    catalog = Catalog(paths)
    for row in list(catalog.rows()):
        catalog.remove(row.session_id)
    expected: dict[str, str] = {}
    for place, (operation, number, own) in enumerate(operations):
        name = f"own-{number}" if own else session_id(number)
        if operation == "put":
            catalog.put(CatalogRow(name, title=str(place)))
            expected[name] = str(place)
        else:
            catalog.remove(name)
            expected.pop(name, None)
    assert titles(catalog) == expected


def test_processes_and_threads_lose_no_row(catalog: Catalog, paths: StorePaths) -> None:
    code = """
        import sys, threading
        from tfstore.index.catalog import Catalog, CatalogRow
        from tfstore.disk.paths import StorePaths
        catalog = Catalog(StorePaths(sys.argv[1]))
        def work(thread):
            for number in range(25):
                catalog.put(CatalogRow(f"sess_20260902T091400Z_{sys.argv[2]}{thread}-{number}"))
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(2)]
        for each in threads: each.start()
        for each in threads: each.join()
    """
    callers = [threading.Thread(target=run, args=(code, paths.root, process)) for process in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert len(titles(catalog)) == 150
    assert catalog.trouble == {}


def test_the_response_index_answers_both_ways(paths: StorePaths) -> None:
    index = ResponseIndex(paths)
    index.add([("made", "resp_1", "a"), ("continued", "resp_1", "b"), ("continued", "resp_1", "c")])

    assert index.sessions("made", "resp_1") == ["a"]
    assert index.sessions("continued", "resp_1") == ["b", "c"]
    assert index.sessions("made", "resp_") == []
    assert index.sessions("made", "resp_2") == []


def test_adding_a_link_again_does_not_grow_the_index(paths: StorePaths) -> None:
    links: list[Link] = [("made", f"resp_{number}", "a") for number in range(50)]
    ResponseIndex(paths).add(links)
    before = {path: path.read_bytes() for path in paths.catalog.rglob("*.jsonl")}
    ResponseIndex(paths).add(links)

    assert {path: path.read_bytes() for path in paths.catalog.rglob("*.jsonl")} == before


def test_a_torn_or_hostile_index_line_does_no_harm(paths: StorePaths) -> None:
    index = ResponseIndex(paths)
    index.add([("made", "resp_1", "a")])
    (piece,) = paths.catalog.rglob("*.jsonl")
    with piece.open("ab") as file:
        file.write(b'["made","resp_1"]\n["made","resp_1",7]\n["made","resp_1","b"')
    index.add([("made", "resp_1", "c")])

    assert index.sessions("made", "resp_1") == ["a", "c"]


@given(st.text(max_size=10), st.text(max_size=10))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_response_id_is_found_and_no_other(paths: StorePaths, one: str, other: str) -> None:
    index = ResponseIndex(paths)
    index.add([("made", one, f"session of {one!r}")])

    assert index.sessions("made", one) == [f"session of {one!r}"]
    assert f"session of {one!r}" not in index.sessions("made", other) or one == other
