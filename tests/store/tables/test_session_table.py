"""The TinyDB face of the documents: it finds what TinyDB finds, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tinydb import Query, TinyDB, where
from tinydb.operations import delete, increment
from tinydb.storages import MemoryStorage
from tinydb.table import Document, Table

from tests.noting import noted
from tests.store.making import a_session
from tfstore.disk.session_folder import SessionFolder
from tfstore.document.json_text import compact
from tfstore.errors import CorruptDocument, TableReadOnly
from tfstore.tables.session_table import SessionTable
from tfstore.tables.tiny_storage import TABLE, SessionStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.store import Store


class MemoryTable(Table):
    """TinyDB's own table, with ids like ours: what ours is compared with."""

    document_id_class = str  # type: ignore[assignment]


@pytest.fixture
def folder(paths: StorePaths) -> SessionFolder:
    paths.create()
    return SessionFolder(paths)


@pytest.fixture
def table(folder: SessionFolder) -> SessionTable:
    return SessionTable(folder)


def doc(session_id: str, **fields: Any) -> Document:
    return Document(fields, cast("int", session_id))


def written(folder: SessionFolder, session_id: str, **fields: Any) -> None:
    folder.paths.document(session_id).write_bytes(compact(fields))


def ids(documents: list[Document]) -> list[str]:
    return sorted(str(document.doc_id) for document in documents)


def content(table: Table) -> dict[str, dict[str, Any]]:
    return {str(document.doc_id): dict(document) for document in table.all()}


def is_odd(number: Any) -> bool:
    return bool(number % 2 == 1)


READS: dict[str, Callable[[Table, str], Any]] = {
    "get": lambda table, name: table.get(doc_id=cast("int", name)),
    "get_ids": lambda table, name: ids(table.get(doc_ids=[cast("int", name), cast("int", "b")])),
    "get_where": lambda table, _: table.get(where("n") == 99),
    "contains": lambda table, name: table.contains(doc_id=cast("int", name)),
    "contains_where": lambda table, _: table.contains(where("text") == 3),
    "search": lambda table, _: ids(table.search((where("n") >= 1) & ~(where("m") == 2))),
    "count": lambda table, _: table.count(Query().n.test(is_odd)),
    "len": lambda table, _: len(table),
    "iterate": lambda table, _: ids(list(table)),
    "all": lambda table, _: content(table),
}

NAMES = st.sampled_from(["a", "b", "c", "d"])
FIELDS = st.dictionaries(st.sampled_from(["n", "m", "text"]), st.integers(0, 3), max_size=3)


@given(st.dictionaries(NAMES, FIELDS), NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_finds_what_tinydb_finds_in_memory(
    folder: SessionFolder, documents: dict[str, dict[str, Any]], name: str
) -> None:
    for path in folder.paths.sessions.iterdir():
        path.unlink()
    theirs = MemoryTable(MemoryStorage(), TABLE, cache_size=0)  # type: ignore[no-untyped-call]
    for each, fields in documents.items():
        written(folder, each, **fields)
        theirs.insert(doc(each, **fields))
    with TinyDB(folder, storage=SessionStorage) as database:
        database.table_class = MemoryTable
        for ours in (SessionTable(folder), database.table(TABLE, cache_size=0)):
            for read, do in READS.items():
                assert do(ours, name) == do(theirs, name), read


WRITES: dict[str, Callable[[Table], Any]] = {
    "insert": lambda table: table.insert(doc("new", n=1)),
    "insert without an id": lambda table: table.insert({"n": 1}),
    "insert what is there": lambda table: table.insert(doc("one", n=1)),
    "insert_multiple": lambda table: table.insert_multiple([doc("new", n=1), {"n": 2}]),
    "insert nothing": lambda table: table.insert_multiple([]),
    "upsert": lambda table: table.upsert(doc("one", n=1)),
    "upsert where": lambda table: table.upsert({"n": 1}, where("title") == "none"),
    "update": lambda table: table.update({"title": "Renamed"}),
    "update where": lambda table: table.update({"title": "Renamed"}, where("title") == "Hello"),
    "update ids": lambda table: table.update(increment("n"), doc_ids=[cast("int", "one")]),
    "update_multiple": lambda table: table.update_multiple([(delete("title"), where("title") == "Hello")]),
    "remove": lambda table: table.remove(doc_ids=[cast("int", "one")]),
    "remove where": lambda table: table.remove(where("title") == "Hello"),
    "truncate": lambda table: table.truncate(),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_is_refused_with_a_sentence(store: Store, write: str) -> None:
    """It would be called sound, and undone by the next ``rebuild``."""
    store.put(a_session("one"))
    before = store.text("one")

    with pytest.raises(
        TableReadOnly, match=r"Nothing was changed in the store at .*: its table is for reading\."
    ):
        WRITES[write](store.sessions)

    assert store.ids() == ["one"]
    assert store.text("one") == before
    assert [row.title for row in store.list()] == ["Hello"]


@pytest.mark.parametrize(
    "write",
    [
        lambda database: database.drop_tables(),
        lambda database: database.drop_table(TABLE),
        lambda database: database.storage.write({}),
        lambda database: database.storage.write({TABLE: {"new": {"n": 1}}}),
        lambda database: database.table(TABLE).update({"title": "Renamed"}),
        lambda database: database.table(TABLE).insert(doc("new", n=1)),
        lambda database: database.table(TABLE).truncate(),
        lambda database: database.table("others").insert(doc("new", n=1)),
    ],
)
def test_so_is_one_through_tinydb_itself(store: Store, write: Callable[[TinyDB], Any]) -> None:
    store.put(a_session("one"))
    before = store.text("one")

    with (
        TinyDB(SessionFolder(store.paths), storage=SessionStorage) as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(TinyDB, "table_class", MemoryTable)
        with pytest.raises(TableReadOnly):
            write(database)

    assert store.ids() == ["one"]
    assert store.text("one") == before


def test_a_copy_can_be_written_as_the_sentence_says(store: Store, tmp_path: Path) -> None:
    store.put(a_session("sess_1"))
    with TinyDB(tmp_path / "copy.json") as copy:
        copy.table_class = MemoryTable
        copy.insert_multiple(store.sessions.all())
        copy.update({"title": "Renamed"})
        assert [document["title"] for document in copy] == ["Renamed"]


def test_one_document_of_many_costs_one_file(
    table: SessionTable, folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        written(folder, f"s{number}", n=number)
    opened = noted(monkeypatch, SessionFolder, "text")
    assert table.get(doc_id="s7") == {"n": 7}
    assert table.contains(doc_id=cast("int", "s8"))
    assert len(cast("list[Document]", table.get(doc_ids=["s9", "none"]))) == 1
    assert len(table) == 200
    assert set(opened) <= {"s7", "s8", "s9", "none"}


def test_what_another_process_wrote_is_seen_at_once(table: SessionTable, folder: SessionFolder) -> None:
    written(folder, "a", n=1)
    query = where("n") == 2
    assert table.search(query) == []
    written(folder, "a", n=2)

    assert ids(table.search(query)) == ["a"]


@pytest.mark.parametrize(
    "hostile",
    [b"", b"{", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"a": 1}' * 2],
    ids=lambda text: repr(text[:8]),
)
def test_a_corrupt_file_hides_no_other(table: SessionTable, folder: SessionFolder, hostile: bytes) -> None:
    written(folder, "a", n=1)
    written(folder, "c", n=1)
    folder.paths.document("b").write_bytes(hostile)

    assert ids(table.all()) == ["a", "c"]
    assert list(folder.skipped) == ["b"]
    with pytest.raises(CorruptDocument, match=r"session b at .*b\.json cannot be read"):
        table.get(doc_id="b")
    written(folder, "b", n=1)
    assert ids(table.all()) == ["a", "b", "c"]
    assert folder.skipped == {}
