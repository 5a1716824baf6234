"""Whatever is the matter with the index, a store answers what its documents say."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.noting import noted
from tests.store.index.answers import COUNT, a_talk, answers, index_of, indexed, said_by_documents
from tests.store.making import a_session, run, start, texts
from tfstore.index import database
from tfstore.index import texts as texts_index
from tfstore.keeping.deleting import delete
from tfstore.reading.search import Pattern, folded, sessions_holding
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))


def documents_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the documents that are read from now on."""
    return noted(monkeypatch, type(store._folder), "text")


def test_it_answers_without_reading_what_is_not_asked_for(
    full: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Store(full.paths.root)
    read = documents_read(full, monkeypatch)

    assert len(elsewhere.list(tool="weather")) == 4
    assert elsewhere.index.calls("tool_call")
    assert elsewhere.continued_in("resp_3") == [a_talk(4).session_id]
    assert list(elsewhere.steps(tool="nothing")) == []
    assert list(sessions_holding(elsewhere, Pattern.of("nowhere"), print)) == []
    assert list(sessions_holding(elsewhere, Pattern.of("no[a]where", regex=True), print, ids=[])) == []
    assert read == []
    assert elsewhere.find_response("resp_7") is not None
    assert read == [a_talk(7).session_id]


def noise_of(length: int) -> bytes:
    return random.Random(length).randbytes(length)  # noqa: S311 - the same each time


def delete_it(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def header(path: Path) -> None:
    path.write_bytes(noise_of(100) + path.read_bytes()[100:])


def middle(path: Path) -> None:
    data = path.read_bytes()
    page = len(data) // 8192 * 4096
    path.write_bytes(data[:page] + noise_of(4096) + data[page + 4096 :])


def noise(path: Path) -> None:
    path.write_bytes(noise_of(path.stat().st_size))


def words(path: Path) -> None:
    """What no page's structure tells: other words of the same length."""
    changed = path.read_bytes().replace(b"weather", b"whether").replace(b"Talk", b"Walk")
    path.write_bytes(changed)


def other_rows(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE steps SET tool = 'none'")
        db.execute("DELETE FROM names")
        db.commit()


def other_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE steps")
        db.commit()


def another_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {database.VERSION}")


def older(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM steps")
        db.execute("PRAGMA user_version = 0")
        db.commit()


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE sessions RENAME TO conversations")
        db.execute(f"PRAGMA user_version = {database.VERSION + 1}")
        db.commit()


def newer_and_sealed(path: Path) -> None:
    newer(path)
    stamp = path.stat()
    path.with_name(".index.seal").write_text(f"{stamp.st_mtime_ns} {stamp.st_size}")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link(path: Path) -> None:
    moved = path.rename(path.parent.parent / "elsewhere.db")
    path.symlink_to(moved)


def no_seal(path: Path) -> None:
    path.with_name(".index.seal").unlink()


def a_log_of_noise(path: Path) -> None:
    path.with_name("index.db-wal").write_bytes(noise_of(9000))


HARMS: list[Callable[[Path], None]] = [
    delete_it, truncate, empty, header, middle, noise, words, other_rows, other_tables, another_database, older,
    newer, newer_and_sealed, a_folder, a_link, no_seal, a_log_of_noise,
]  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
def test_harm_to_the_index_changes_no_answer(full: Store, harm: Callable[[Path], None]) -> None:
    expected = said_by_documents(full)
    harm(index_of(full))

    assert answers(full) == expected
    assert answers(Store(full.paths.root)) == expected


@pytest.mark.parametrize("harm", HARMS)
def test_a_session_is_put_and_deleted_all_the_same(full: Store, harm: Callable[[Path], None]) -> None:
    harm(index_of(full))
    full.put(a_talk(COUNT))
    delete(full, [a_talk(0).session_id])

    assert answers(Store(full.paths.root)) == said_by_documents(full)
    gone = a_talk(0).session_id.encode()
    assert not [path for path in full.paths.root.rglob("*") if path.is_file() and gone in path.read_bytes()]


@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_so_does_any_byte_of_it(full: Store, data: st.DataObject) -> None:
    answers(full)
    content = bytearray(index_of(full).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[place] ^= data.draw(st.integers(1, 255))
    index_of(full).write_bytes(content)

    assert answers(full) == said_by_documents(full)


def test_one_that_another_process_holds_is_passed_by(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY", 0)
    expected = said_by_documents(full)
    code = """
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("UPDATE sessions SET told = told")
        print("held", flush=True)
        sys.stdin.read()
    """
    with start(code, index_of(full)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert answers(full) == expected
        full.put(a_talk(COUNT))
        assert answers(full) == said_by_documents(full)
        process.kill()

    assert answers(full) == said_by_documents(full)


def test_so_is_one_whose_lock_is_never_released(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_TRIES", 2)
    code = """
        import sys
        from filelock import FileLock
        with FileLock(sys.argv[1]):
            print("held", flush=True)
            sys.stdin.read()
    """
    with start(code, full.paths.root / ".index.lock") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        full.put(a_talk(COUNT))
        assert answers(full) == said_by_documents(full)
        process.kill()

    assert answers(full) == said_by_documents(full)


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="for whom modes mean something")
@pytest.mark.parametrize("mode", [0o400, 0])
def test_so_is_one_that_may_not_be_written(full: Store, mode: int) -> None:
    index_of(full).chmod(mode)
    full.paths.root.chmod(0o500)
    try:
        assert answers(full) == said_by_documents(full)
    finally:
        full.paths.root.chmod(0o700)


@pytest.mark.parametrize("where", ["lock", "file", "database"])
def test_so_is_one_in_a_store_that_is_read_only(
    full: Store, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """As a disk that is mounted so would have it; root may write in spite of all modes."""
    refused = OSError(30, "Read-only file system")

    def refuse(*_: Any, **__: Any) -> Any:
        raise refused

    if where == "lock":
        monkeypatch.setattr(database, "only_one", refuse)
    elif where == "file":
        monkeypatch.setattr(database, "open_private", refuse)
    else:
        connect: Callable[..., sqlite3.Connection] = sqlite3.connect

        def read_only(path: Any, **options: Any) -> sqlite3.Connection:
            return connect(path if path == ":memory:" else f"file:{path}?mode=ro", uri=True, **options)

        monkeypatch.setattr(sqlite3, "connect", read_only)
    expected = said_by_documents(full)
    kept = index_of(full).read_bytes()

    full.put(a_talk(COUNT))
    full.paths.document(a_talk(COUNT).session_id).unlink()
    assert answers(full) == expected
    assert index_of(full).read_bytes() == kept


def test_one_on_a_full_disk_is_passed_by(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def small(path: Any, **options: Any) -> sqlite3.Connection:
        db = connect(path, **options)
        if path != ":memory:":
            db.execute("PRAGMA max_page_count = 1")
        return db

    monkeypatch.setattr(sqlite3, "connect", small)
    for number in range(COUNT, COUNT + 6):
        full.put(a_talk(number))

    assert answers(full) == said_by_documents(full)
    monkeypatch.undo()
    assert answers(full) == said_by_documents(full)


def test_a_store_without_an_index_of_texts_is_searched_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where SQLite was built without FTS5, or is older than its trigrams."""
    monkeypatch.setattr(database, "_TEXTS", "CREATE VIRTUAL TABLE texts USING no_such_module(said)")
    for number in range(COUNT):
        store.put(a_talk(number))

    assert answers(store) == said_by_documents(store)
    delete(store, [a_talk(3).session_id])
    assert answers(store) == said_by_documents(store)


def test_a_store_of_the_version_before(full: Store) -> None:
    """Its catalog goes when the index is made: it names sessions, and nobody would keep it up."""
    for path in full.paths.root.glob("*index*"):
        path.unlink()
    catalog = full.paths.make_dir(full.paths.catalog)
    full.paths.make_dir(catalog / "responses")
    (catalog / ".20260902.lock").write_bytes(b"")
    row = {"session_id": a_talk(1).session_id, "title": "What it was", "status": "active", "usage": {}}
    (catalog / "20260902.json").write_text(json.dumps({"rows": {row["session_id"]: row, "gone": row}}))
    (catalog / "responses" / "0a.jsonl").write_text(f'\n["made","resp_1","{row["session_id"]}"]\n')

    assert answers(Store(full.paths.root)) == said_by_documents(full)
    assert index_of(full).exists()
    assert not catalog.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_processes_that_fork_in_the_middle_answer_on_both_sides(full: Store) -> None:
    """Whatever other threads are at: no child inherits a database that is open, nor a lock that nobody releases."""
    expected = said_by_documents(full)["list"]
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            full.put(a_talk(0))

    workers = [threading.Thread(target=work) for _ in range(3)]
    for each in workers:
        each.start()
    try:
        for number in range(20):
            child = os.fork()
            if not child:
                code = 1
                try:
                    signal.alarm(30)
                    full.put(a_talk(number % 3))
                    code = 0 if Store(full.paths.root).list() == expected else 2
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            assert status == 0
    finally:
        stop.set()
        for each in workers:
            each.join()

    assert answers(full) == said_by_documents(full)


def test_eight_processes_of_eight_threads_close_at_once(store: Store) -> None:
    code = """
        import sys, threading
        from tests.store.index.answers import a_talk
        from tfstore.store import Store
        def work(thread):
            number = int(sys.argv[2]) * 8 + thread
            for status in ("active", "active", "closed"):
                Store(sys.argv[1]).put(a_talk(number, status=status))
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
        for each in threads: each.start()
        for each in threads: each.join()
    """
    callers = [threading.Thread(target=run, args=(code, store.paths.root, process)) for process in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert len(store.ids()) == 64
    # Whoever waits too long for the others leaves its session to the next answer: hardly any does.
    ((closed,),) = indexed(store, "SELECT count(*) FROM sessions WHERE status = 'closed'")
    assert closed > 32
    assert answers(store) == said_by_documents(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.timeout(300)
def test_one_killed_anywhere_in_the_middle_leaves_right_answers(full: Store) -> None:
    """At each statement that SQLite is given, before and after it, and at whatever moment a delay hits."""

    def work() -> None:
        full.put(a_talk(1, title=f"Talk {time.time_ns()}", status="active"))
        answers(full)
        full.put(a_talk(1, title=f"Talk {time.time_ns()}"))
        delete(full, [a_talk(COUNT).session_id])

    def child(prepare: Callable[[], None]) -> bool:
        """Say whether it was killed."""
        pid = os.fork()
        if not pid:
            code = 1
            try:
                prepare()
                work()
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)

    def at_statement(number: int) -> Callable[[], None]:
        def prepare() -> None:
            connect: Callable[..., sqlite3.Connection] = sqlite3.connect
            seen = 0

            def count(*_: object) -> int:
                nonlocal seen
                seen += 1
                if seen >= number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return 0

            def watched(*args: Any, **options: Any) -> sqlite3.Connection:
                db = connect(*args, **options)
                db.set_trace_callback(count)
                db.set_progress_handler(count, 40)
                return db

            sqlite3.connect = watched  # type: ignore[assignment]

        return prepare

    def after(seconds: float) -> Callable[[], None]:
        def prepare() -> None:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)

        return prepare

    killed = 0
    for number in [*range(1, 60, 3), *range(60, 400, 25)][:: 1 if LONG else 3]:
        full.put(a_talk(COUNT))
        killed += child(at_statement(number))
        assert answers(full) == said_by_documents(full), f"killed at step {number}"
    for number in range(0, 20, 1 if LONG else 2):
        full.put(a_talk(COUNT))
        killed += child(after(0.001 + number * 0.004))
        assert answers(full) == said_by_documents(full), f"killed after {number} times 4 ms"
    assert killed > (40 if LONG else 12)


def test_a_session_that_says_very_much_is_always_looked_through(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts_index, "_LONGEST", 30)
    for number in range(4):
        store.put(a_talk(number))

    assert answers(store) == said_by_documents(store)
    assert {told for (told,) in indexed(store, "SELECT told FROM sessions")} == {-1}


@given(texts, st.lists(texts, max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_found(store: Store, text: str, others: list[str]) -> None:
    for number, each in enumerate([text, *others]):
        store.put(a_session(f"s{number}", title=each, metadata={"said": each}))
        os.utime(store.paths.document(f"s{number}"), (10**9 + number, 10**9))
    if re.search(re.escape(text), "") is not None:
        return
    found = {each.session_id for each, _ in sessions_holding(store, Pattern.of(text), print)}
    assert "s0" in found or _is_escaped(text)


def _is_escaped(text: str) -> bool:
    """Whether a document holds the text in another form, so that its bytes seem not to hold it."""
    return json.dumps(text, ensure_ascii=False)[1:-1] != text or not text.isascii()


def test_letters_that_a_regular_expression_takes_for_the_same_are_folded_into_the_same() -> None:
    unlike = []
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        for other in {letter.lower(), letter.upper(), letter.title(), letter.casefold()} - {letter}:
            same = len(other) == 1 and re.fullmatch(re.escape(other), letter, re.IGNORECASE)
            if same and folded(other) != folded(letter):
                unlike.append((letter, other))
    assert unlike == []
