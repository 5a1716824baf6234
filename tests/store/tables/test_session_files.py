from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tinydb import Query, TinyDB, where
from tinydb.operations import delete, increment
from tinydb.storages import MemoryStorage
from tinydb.table import Document, Table

from tests.store.making import SESSION, a_run, a_session, a_step, an_entry, json_values, run, texts
from tfstore.disk.session_folder import TABLE, SessionFiles
from tfstore.errors import CorruptDocument, InvalidSessionId, StoreUnusable
from tfstore.journal.packing import pack
from tfstore.journal.segment import Segment
from tfstore.tables.session_table import SessionTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.store import Store


class MemoryTable(Table):
    """TinyDB's own table, in memory, with ids like ours: what ours is compared with."""

    document_id_class = str  # type: ignore[assignment]


def in_memory() -> Table:
    return MemoryTable(MemoryStorage(), TABLE, cache_size=0)  # type: ignore[no-untyped-call]


@pytest.fixture
def files(paths: StorePaths) -> SessionFiles:
    paths.create()
    return SessionFiles(paths)


@pytest.fixture
def table(files: SessionFiles) -> SessionTable:
    return SessionTable(files)


def doc(session_id: str, **fields: Any) -> Document:
    return Document(fields, cast("int", session_id))


def ids(documents: list[Document]) -> list[str]:
    return sorted(str(document.doc_id) for document in documents)


def content(table: Table) -> dict[str, dict[str, Any]]:
    return {str(document.doc_id): dict(document) for document in table.all()}


def stamps(paths: StorePaths) -> dict[str, tuple[int, int]]:
    found = {path.name: path.stat() for path in paths.sessions.glob("*.json")}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def is_odd(number: Any) -> bool:
    return bool(number % 2 == 1)


NAMES = ["a", "b", "c", "d"]
names = st.sampled_from(NAMES)
fields = st.dictionaries(st.sampled_from(["n", "m", "text"]), st.integers(0, 3), max_size=3)

OPERATIONS: dict[str, Callable[[Table, str, dict[str, Any]], Any]] = {
    "insert": lambda table, name, data: table.insert(doc(name, **data)),
    "insert_multiple": lambda table, name, data: table.insert_multiple([doc(name, **data), doc("e", **data)]),
    "upsert": lambda table, name, data: table.upsert(doc(name, **data)),
    "upsert_where": lambda table, name, data: table.upsert(doc(name, **data), where("n") == 1),
    "update": lambda table, _, data: sorted(table.update(data)),
    "update_where": lambda table, _, data: sorted(table.update(data, where("n") == 1)),
    "update_ids": lambda table, name, data: table.update(
        data, doc_ids=[cast("int", name), cast("int", "zz")]
    ),
    "update_multiple": lambda table, _, data: sorted(table.update_multiple([(data, where("n") > 1)])),
    "increment": lambda table, _, __: sorted(table.update(increment("n"), where("n").exists())),
    "delete_field": lambda table, _, __: sorted(table.update(delete("m"), where("m").exists())),
    "remove": lambda table, name, _: table.remove(doc_ids=[cast("int", name)]),
    "remove_where": lambda table, _, __: sorted(table.remove(where("n") == 2)),
    "truncate": lambda table, _, __: table.truncate(),
    "get": lambda table, name, _: table.get(doc_id=cast("int", name)),
    "get_ids": lambda table, name, _: ids(table.get(doc_ids=[cast("int", name), cast("int", "b")])),
    "get_missing": lambda table, _, __: table.get(where("n") == 99),
    "contains": lambda table, name, _: table.contains(doc_id=cast("int", name)),
    "contains_where": lambda table, _, __: table.contains(where("text") == 3),
    "search": lambda table, _, __: ids(table.search((where("n") >= 1) & ~(where("m") == 2))),
    "count": lambda table, _, __: table.count(Query().n.test(is_odd)),
    "len": lambda table, _, __: len(table),
    "iterate": lambda table, _, __: ids(list(table)),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), names, fields), max_size=12))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_operation_does_what_tinydb_does_in_memory(
    paths: StorePaths, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    ours = SessionTable(SessionFiles(paths))
    ours.truncate()
    theirs = in_memory()
    for operation, name, data in operations:
        outcomes = [outcome(OPERATIONS[operation], table, name, data) for table in (ours, theirs)]
        assert outcomes[0] == outcomes[1], operation
        assert content(ours) == content(theirs), operation


def outcome(operation: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return operation(*arguments)
    except ValueError:
        return ValueError


@given(
    st.lists(st.tuples(st.sampled_from(["insert", "update_where", "remove_where", "upsert"]), names, fields))
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plain_tinydb_table_works_on_the_files_too(
    paths: StorePaths, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    SessionTable(SessionFiles(paths)).truncate()
    with TinyDB(paths, storage=SessionFiles) as database:
        database.table_class = MemoryTable
        ours = database.table(TABLE, cache_size=0)
        theirs = in_memory()
        for operation, name, data in operations:
            outcomes = [outcome(OPERATIONS[operation], table, name, data) for table in (ours, theirs)]
            assert outcomes[0] == outcomes[1], operation
            assert content(ours) == content(theirs), operation


def test_a_document_is_a_file_that_json_load_reads(table: SessionTable, paths: StorePaths) -> None:
    table.insert(doc("sess_1", title="Olá \ud800", runs=[{"n": 1}]))

    with paths.document("sess_1").open(encoding="utf-8") as file:
        assert json.load(file) == {"title": "Olá \ud800", "runs": [{"n": 1}]}
    assert "Olá" in paths.document("sess_1").read_text(encoding="utf-8")
    assert len(paths.document("sess_1").read_text(encoding="utf-8").splitlines()) > 3


@given(st.dictionaries(texts, json_values, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_document_comes_back(paths: StorePaths, document: dict[str, Any]) -> None:
    table = SessionTable(SessionFiles(paths))
    table.truncate()
    table.insert(Document(document, cast("int", "sess_1")))

    assert content(table) == {"sess_1": json.loads(json.dumps(document))}


def test_only_what_changed_is_written(table: SessionTable, paths: StorePaths) -> None:
    table.insert_multiple([doc("a", n=1), doc("b", n=2), doc("c", n=3)])
    before = stamps(paths)
    table.update({"n": 2}, where("n") >= 2)
    after = stamps(paths)

    assert [name for name in before if before[name] != after[name]] == ["c.json"]
    table.upsert(doc("b", n=2))
    assert stamps(paths) == after


def test_a_number_that_became_another_kind_of_number_changed(table: SessionTable) -> None:
    table.insert(doc("a", n=1))
    table.update({"n": True})

    assert table.all()[0]["n"] is True


def test_a_plain_table_writes_only_what_changed(paths: StorePaths) -> None:
    with TinyDB(paths, storage=SessionFiles) as database:
        database.table_class = MemoryTable
        plain = database.table(TABLE)
        plain.insert_multiple([doc("a", n=1), doc("b", n=2)])
        before = stamps(paths)
        plain.update({"n": 3}, where("n") == 2)
        after = stamps(paths)

    assert [name for name in before if before[name] != after[name]] == ["b.json"]


def test_one_document_of_many_costs_one_file(
    table: SessionTable, files: SessionFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.insert_multiple([doc(f"s{number}", n=number) for number in range(200)])
    opened: list[str] = []
    plain = SessionFiles.text

    def text(self: SessionFiles, session_id: str) -> bytes:
        opened.append(session_id)
        return plain(self, session_id)

    monkeypatch.setattr(SessionFiles, "text", text)
    assert table.get(doc_id="s7") == {"n": 7}
    assert table.contains(doc_id=cast("int", "s8"))
    assert len(cast("list[Document]", table.get(doc_ids=["s9", "none"]))) == 1
    table.update({"n": 0}, doc_ids=[cast("int", "s10")])
    table.remove(doc_ids=[cast("int", "s11")])
    table.insert(doc("s200", n=200))
    table.upsert(doc("s12", n=0))

    assert len(table) == 200
    assert len(files.ids()) == 200
    assert set(opened) <= {"s7", "s8", "s9", "none", "s10", "s12"}


def test_a_document_names_itself(table: SessionTable) -> None:
    assert str(table.insert({"session_id": "sess_mine", "n": 1})) == "sess_mine"
    fresh = table.insert({"n": 2})

    assert str(fresh).startswith("sess_")
    assert table.get(doc_id=str(fresh)) == {"n": 2}


def test_what_another_process_wrote_is_seen_at_once(table: SessionTable, paths: StorePaths) -> None:
    table.insert(doc("a", n=1))
    query = where("n") == 2
    assert table.search(query) == []
    paths.document("a").write_text('{"n": 2}')

    assert ids(table.search(query)) == ["a"]


@pytest.mark.parametrize(
    "hostile",
    [b"", b"{", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"a": 1}' * 2],
    ids=lambda text: repr(text[:8]),
)
def test_a_corrupt_file_hides_no_other(table: SessionTable, files: SessionFiles, hostile: bytes) -> None:
    table.insert_multiple([doc("a", n=1), doc("c", n=1)])
    corrupt = files.paths.document("b")
    corrupt.write_bytes(hostile)

    assert ids(table.all()) == ["a", "c"]
    assert list(files.skipped) == ["b"]
    assert sorted(map(str, table.update({"n": 2}))) == ["a", "c"]
    assert sorted(map(str, table.remove(where("n") == 2))) == ["a", "c"]
    with pytest.raises(CorruptDocument, match=r"session b at .*b\.json cannot be read"):
        table.get(doc_id="b")
    with pytest.raises(CorruptDocument):
        table.upsert(doc("b", n=1))
    assert corrupt.read_bytes() == hostile


def test_a_plain_table_leaves_corrupt_files_where_they_are(paths: StorePaths) -> None:
    with TinyDB(paths, storage=SessionFiles) as database:
        database.table_class = MemoryTable
        plain = database.table(TABLE)
        plain.insert(doc("a", n=1))
        paths.document("b").write_text("{")
        plain.update({"n": 2})
        plain.remove(where("n") == 2)

    assert [path.name for path in paths.sessions.glob("*.json")] == ["b.json"]


def test_a_mended_file_is_no_longer_told(table: SessionTable, files: SessionFiles) -> None:
    files.paths.document("a").write_text("{")
    table.all()
    files.paths.document("a").write_text("{}")
    table.all()

    assert files.skipped == {}


def test_links_are_neither_read_nor_written_through(
    table: SessionTable, paths: StorePaths, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"n": 1}')
    paths.document("linked").symlink_to(secret)

    assert table.all() == []
    with pytest.raises(CorruptDocument):
        table.get(doc_id="linked")
    SessionFiles(paths).save("linked", {"n": 2})
    assert secret.read_text() == '{"n": 1}'
    assert table.get(doc_id="linked") == {"n": 2}


def test_an_id_that_leaves_the_folder_is_refused_before_anything_is_written(
    table: SessionTable, paths: StorePaths
) -> None:
    with pytest.raises(InvalidSessionId):
        table.insert_multiple([doc("fine", n=1), doc("../../evil", n=1)])
    with pytest.raises(InvalidSessionId):
        SessionFiles(paths).write({TABLE: {"fine": {}, "../evil": {}}})

    assert table.get(doc_id="../../evil") is None
    assert table.all() == []
    assert list(paths.root.parent.rglob("evil*")) == []


def test_there_is_one_table(paths: StorePaths) -> None:
    with (
        TinyDB(paths, storage=SessionFiles) as database,
        pytest.raises(ValueError, match="the table 'sessions' only"),
    ):
        database.table("others").insert({"n": 1})


def test_a_folder_that_was_deleted_is_made_again(table: SessionTable, paths: StorePaths) -> None:
    table.insert(doc("a", n=1))
    paths.document("a").unlink()
    paths.sessions.joinpath(".lock").unlink(missing_ok=True)
    paths.sessions.rmdir()
    table.insert(doc("b", n=1))

    assert ids(table.all()) == ["b"]


def test_a_document_that_cannot_be_written_leaves_the_earlier_one(
    files: SessionFiles, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.save("a", {"n": 1})
    plain = os.write
    full = OSError(28, "No space left on device")

    def write(descriptor: int, data: Any) -> int:
        if len(data) > 100:
            return plain(descriptor, bytes(data)[:100])
        raise full

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(StoreUnusable, match="No space left on device"):
        files.save("a", {"n": 2, "text": "x" * 1000})
    monkeypatch.undo()

    assert files.load("a") == {"n": 1}
    assert [path.name for path in paths.sessions.iterdir() if path.name != ".lock"] == ["a.json"]


def test_a_reader_never_sees_half_a_document(files: SessionFiles) -> None:
    sizes = [1, 200_000]
    files.save("a", {"text": ["x"] * sizes[0]})
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            files.save("a", {"text": ["x"] * sizes[number % 2]})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(100):
            assert len(files.load("a")["text"]) in sizes
    finally:
        stop.set()
        writer.join()


def test_processes_that_update_together_lose_no_update(table: SessionTable, paths: StorePaths) -> None:
    table.insert(doc("a", n=0))
    code = """
        import sys, threading
        from tfstore.store import Store
        from tinydb.operations import increment
        store = Store(sys.argv[1])
        def work():
            for _ in range(15):
                store.sessions.update(increment("n"), doc_ids=["a"])
        threads = [threading.Thread(target=work) for _ in range(2)]
        for each in threads: each.start()
        for each in threads: each.join()
    """
    outputs: list[str] = []
    callers = [threading.Thread(target=lambda: outputs.append(run(code, paths.root))) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert outputs == [""] * 3
    assert table.all()[0]["n"] == 90


def test_a_document_is_as_long_as_its_journal_allows(
    store: Store, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this store wrote it reads, however long; what came from elsewhere is read up to a limit."""
    monkeypatch.setattr("tfstore.disk.session_folder.LARGEST", 1000)
    session = a_session(SESSION, a_run(1, *(a_step(f"1_{n}", "generic") for n in range(1, 20))))
    store.put(session)
    with pytest.raises(
        CorruptDocument, match=r"bytes long, which cannot have come of its journal of 0 bytes"
    ):
        store.get(SESSION)

    with Segment.open(paths, SESSION) as segment:
        segment.append(an_entry())
    assert store.get(SESSION) == session
    assert store.text(SESSION) == paths.document(SESSION).read_bytes()
    assert pack(paths, SESSION)
    assert store.get(SESSION) == session

    with paths.document(SESSION).open("r+b") as file:
        file.truncate(10**12)
    with pytest.raises(
        CorruptDocument,
        match=r"it is 1,000,000,000,000 bytes long, which cannot have come of its journal of \d+ bytes",
    ):
        store.get(SESSION)
