from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tinydb import where

from tests.noting import noted
from tests.store.making import SESSION, a_run, a_session, a_step, an_entry, run, with_tools
from tfstore.disk.session_folder import SessionFolder
from tfstore.document.documents import ErrorInfo, Summary
from tfstore.errors import (
    CorruptDocument,
    InvalidSessionId,
    NewerDocument,
    SessionInUse,
    StoreNotFound,
    StoreUnusable,
    UnknownSession,
)
from tfstore.journal.reading import Segment, sessions_with_journal
from tfstore.keeping.deleting import delete
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths


def at(day: int, hour: int = 12, number: int = 1) -> str:
    return f"sess_202609{day:02}T{hour:02}0000Z_{number:08x}"


def started(day: int, hour: int = 12) -> str:
    return f"2026-09-{day:02}T{hour:02}:00:00.000Z"


def listed(store: Store, **wanted: Any) -> list[str]:
    return [row.session_id for row in store.list(**wanted)]


def test_a_session_comes_back_whole(store: Store) -> None:
    session = a_session(
        SESSION,
        a_run(1, a_step("1_1", "user_message"), a_step("1_2", "assistant_call", "1_1", response_id="resp_1")),
        metadata={"user": "ada \ud800"},
    )
    store.put(session)
    found = store.get(SESSION)

    assert found == session
    assert {(step.session_id, step.run_id) for run in found.runs for step in run.steps} == {
        (SESSION, "run_1")
    }


def test_the_document_is_plain_json(store: Store) -> None:
    store.put(a_session(title="Olá"))
    with store.paths.document(SESSION).open(encoding="utf-8") as file:
        document = json.load(file)

    assert document["schema_version"] == "thoughtflow/1"
    assert document["title"] == "Olá"


def test_a_store_is_where_something_was_stored(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound, match="Run a program with a traced client there"):
        Store(tmp_path)
    assert list(tmp_path.iterdir()) == []
    Store(tmp_path / "deep" / "flow", create=True)
    Store(tmp_path / "deep" / "flow")


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "flow").write_text("mine")
    for create in (True, False):
        with pytest.raises(StoreUnusable, match="is a file"):
            Store(tmp_path / "flow", create=create)


def test_an_unknown_session_names_near_ones(store: Store) -> None:
    store.put(a_session("sess_20260902T091400Z_7f3a9c01"))
    store.put(a_session("nightly"))

    with pytest.raises(UnknownSession, match=r"Did you mean sess_20260902T091400Z_7f3a9c01\?"):
        store.get("7f3a9c01")
    with pytest.raises(UnknownSession, match=r"Did you mean nightly\?"):
        store.get("nigtly")
    with pytest.raises(UnknownSession, match="tfclient list"):
        store.get("zzzzz")


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "", "a/b", "\0"])
def test_an_id_that_leaves_the_folder_is_unknown_to_read_and_invalid_to_write(
    store: Store, hostile: str
) -> None:
    for reader in (store.get, store.journal):
        with pytest.raises(UnknownSession):
            reader(hostile)
    with pytest.raises(InvalidSessionId):
        store.put(a_session(hostile))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "line 1"),
        ("[]", "not a JSON object"),
        ('{"title": "x"}', "no schema_version"),
        ('{"schema_version": "thoughtflow/1"}', "session_id"),
        ('{"schema_version": "thoughtflow/1", "session_id": "a", "runs": [{}]}', "run_id"),
        ('{"schema_version": "thoughtflow/1", "session_id": "a", "runs": 7}', "."),
        (
            '{"schema_version": "thoughtflow/1", "session_id": "a", "summary": {"runs": "many"}}',
            "summary.runs",
        ),
        ("[" * 100_000, "nested too deeply"),
    ],
    ids=lambda text: text[:40],
)
def test_a_corrupt_document_is_told_with_its_path(store: Store, text: str, why: str) -> None:
    path = store.paths.document(SESSION)
    path.write_text(text)

    with pytest.raises(CorruptDocument, match=why) as caught:
        store.get(SESSION)
    assert str(path) in str(caught.value)
    assert list(store.steps()) == []
    assert list(store.find(where("title").exists())) == []
    assert SESSION in store.skipped


def test_a_document_of_a_later_version_is_refused_with_a_sentence(store: Store) -> None:
    store.put(a_session())
    path = store.paths.document(SESSION)
    path.write_text(path.read_text().replace("thoughtflow/1", "thoughtflow/2"))

    with pytest.raises(NewerDocument, match="upgrade tfclient"):
        store.get(SESSION)
    assert list(store.steps()) == []
    assert "upgrade tfclient" in store.skipped[SESSION]


def test_the_last_session_is_the_one_that_started_last(store: Store) -> None:
    with pytest.raises(UnknownSession):
        store.last()
    store.put(a_session(at(3), started_at=started(3)))
    store.put(a_session(at(9), started_at=started(9), status="active"))
    store.put(a_session("aaa", started_at=started(5)))
    assert store.last() == at(9)

    (store.paths.root / "index.db").unlink()
    assert store.last() == at(9)


def test_the_list_begins_with_the_latest(store: Store) -> None:
    for day, hour in ((2, 8), (3, 1), (2, 20), (1, 3)):
        store.put(a_session(at(day, hour), started_at=started(day, hour)))
    store.put(a_session("own-id", started_at=started(2, 12)))

    expected = [at(3, 1), at(2, 20), "own-id", at(2, 8), at(1, 3)]
    assert listed(store) == expected
    for limit in range(7):
        assert listed(store, limit=limit) == expected[:limit]


def test_the_list_can_be_narrowed(store: Store) -> None:
    store.put(with_tools(at(1), "weather", result="failed", started_at=started(1)))
    store.put(with_tools(at(2), "search", result="completed", started_at=started(2)))
    store.put(a_session(at(3), status="active", started_at=started(3), summary=Summary(models={"gpt-5": 1})))

    assert listed(store, status="active") == [at(3)]
    assert listed(store, result="failed") == [at(1)]
    assert listed(store, tool="search") == [at(2)]
    assert listed(store, model="gpt-5") == [at(3)]
    assert listed(store, tool="search", result="failed") == []
    assert listed(store, since="2026-09-02") == [at(3), at(2)]
    assert listed(store, since="2026-09-02T13:00+01:00") == [at(3), at(2)]
    assert listed(store, since="2026-09-02T12:00:00.001Z") == [at(3)]
    assert listed(store, since=datetime(2026, 9, 2, tzinfo=UTC) + timedelta(days=1)) == [at(3)]
    with pytest.raises(ValueError, match="yesterday"):
        store.list(since="yesterday")


def test_a_closed_session_replaces_its_active_row(store: Store) -> None:
    store.put(a_session(status="active"))
    store.put(a_session(status="closed", result="completed"))

    assert [(row.status, row.result) for row in store.list()] == [("closed", "completed")]


def test_steps_are_found_by_what_they_are(store: Store) -> None:
    call = a_step("1_2", "assistant_call", "1_1", model="gpt-5", status="failed")
    call.error = ErrorInfo("rate_limit", "slow down")
    tool = a_step("1_3", "tool_call", "1_2", tool_name="weather/v2 é", status="unresolved")
    store.put(a_session("one", a_run(1, a_step("1_1", "user_message"), call, tool)))
    store.put(a_session("two", a_run(1, a_step("1_1", "user_message"))))

    def found(**wanted: str) -> list[tuple[str | None, str]]:
        return [(step.session_id, step.step_id) for step in store.steps(**wanted)]

    assert found(label="user_message") == [("one", "step_1_1"), ("two", "step_1_1")]
    assert found(label="user_message", session_id="two") == [("two", "step_1_1")]
    assert (
        found(model="gpt-5")
        == found(error_class="rate_limit")
        == found(status="failed")
        == [("one", "step_1_2")]
    )
    assert found(tool="weather/v2 é") == found(status="unresolved") == [("one", "step_1_3")]
    assert found(label="user_message", status="failed") == []
    assert found(tool="weather") == []
    assert len(found()) == 4
    with pytest.raises(UnknownSession):
        found(session_id="three")


def test_steps_are_found_in_documents_that_others_wrote(store: Store) -> None:
    store.put(a_session("one", a_run(1, a_step("1_1", "tool_call", tool_name="wetter-für-alle"))))
    path = store.paths.document("one")
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))))

    assert [step.step_id for step in store.steps(tool="wetter-für-alle")] == ["step_1_1"]


def test_documents_without_the_step_are_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("weather", "search"):
        store.put(a_session(name, a_run(1, a_step("1_1", "tool_call", tool_name=name))))
    read = noted(monkeypatch, SessionFolder, "load")
    assert [step.session_id for step in store.steps(tool="weather")] == ["weather"]
    assert read == ["weather"]


def test_sessions_are_found_by_queries(store: Store) -> None:
    store.put(a_session("one", metadata={"user": "ada"}))
    store.put(a_session("two", metadata={"user": "bob"}))
    store.paths.document("three").write_text("{")

    assert [session.session_id for session in store.find(where("metadata").user == "bob")] == ["two"]
    assert [str(each.doc_id) for each in store.sessions.search(where("metadata").user == "ada")] == ["one"]
    assert list(store.skipped) == ["three"]


def test_a_response_is_found_without_reading_other_documents(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        call = a_step("1_1", "assistant_call", response_id=f"resp_{number}")
        store.put(a_session(f"s{number}", a_run(1, call)))
    opened = noted(monkeypatch, Store, "get")
    found = store.find_response("resp_7")

    assert found is not None
    assert (found[0], found[1].step_id) == ("s7", "step_1_1")
    assert store.find_response("resp_99") is None
    assert opened == ["s7"]


def test_a_response_of_a_session_still_running_is_found(store: Store) -> None:
    run_ = a_run(1, a_step("1_1", "assistant_call", status="in_progress"))
    session = a_session(SESSION, run_, status="active")
    store.put(session)
    run_.steps[0].response_id = "resp_late"
    store.put(session)
    elsewhere = Store(store.paths.root)

    assert elsewhere.find_response("resp_late") is not None
    delete(store, [SESSION])
    assert elsewhere.find_response("resp_late") is None


def test_the_journal_of_a_session(store: Store) -> None:
    with Segment.open(store.paths, SESSION) as segment:
        segment.append(an_entry(1))
    entries, report = store.journal(SESSION)

    assert [entry["at"] for entry in entries] == [1]
    assert report.intact
    store.put(a_session("imported"))
    assert store.journal("imported")[0] == []
    with pytest.raises(UnknownSession):
        store.journal("nothing")


def test_deleting_leaves_nothing_of_a_session_and_all_of_the_others(store: Store) -> None:
    for each in ("one", "one.more", "two"):
        with Segment.open(store.paths, each) as segment:
            segment.append(an_entry(1))
        store.put(a_session(each))
        store.paths.diagram(each).write_text("a -> b")
    delete(store, ["one"])

    assert store.ids() == ["one.more", "two"]
    assert sessions_with_journal(store.paths) == ["one.more", "two"]
    assert listed(store) == ["two", "one.more"]
    assert not store.paths.diagram("one").exists()
    assert store.paths.diagram("one.more").exists()
    assert isinstance(delete(store, ["one"]).problems["one"], UnknownSession)


def test_a_session_that_is_being_written_is_not_deleted(store: Store) -> None:
    with Segment.open(store.paths, SESSION) as segment:
        segment.append(an_entry(1))
        store.put(a_session(status="active"))
        problem = delete(store, [SESSION]).problems[SESSION]
        assert isinstance(problem, SessionInUse)
        assert segment.writer in str(problem)
        assert store.get(SESSION).status == "active"
    delete(store, [SESSION])


def test_deleting_follows_no_link(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.jsonl").write_text("mine")
    store.put(a_session())
    store.paths.journal_of(SESSION).symlink_to(outside, target_is_directory=True)
    delete(store, [SESSION])

    assert (outside / "kept.jsonl").read_text() == "mine"
    assert not store.paths.journal_of(SESSION).is_symlink()


def test_abandoned_sessions_are_those_that_died(store: Store) -> None:
    for each, status in (
        ("died", "active"),
        ("died-early", None),
        ("closed", "closed"),
        ("running", "active"),
    ):
        with Segment.open(store.paths, each) as segment:
            segment.append(an_entry(1))
        if status:
            store.put(a_session(each, status=status))
    with Segment.open(store.paths, "running"):
        assert store.abandoned() == ["died", "died-early"]
    # An index that was lost changes nothing.
    (store.paths.root / "index.db").unlink()
    assert store.abandoned() == ["died", "died-early", "running"]


def test_one_process_at_a_time_recovers_a_session(store: Store, paths: StorePaths) -> None:
    code = """
        import sys
        from tfstore.store import Store
        with Store(sys.argv[1], create=True).claim(sys.argv[2]) as mine:
            print(mine)
    """
    with store.claim(SESSION) as mine:
        assert mine
        assert run(code, paths.root, SESSION) == "False"
    assert run(code, paths.root, SESSION) == "True"
    assert sessions_with_journal(paths) == []


def test_processes_put_sessions_into_one_store(store: Store, paths: StorePaths) -> None:
    code = """
        import sys, threading
        from tfstore.document.documents import Run, Session, Step
        from tfstore.store import Store
        store = Store(sys.argv[1])
        def work(thread):
            for number in range(8):
                name = f"sess_20260902T091400Z_{sys.argv[2]}{thread}{number}"
                step = Step("step_1_1", 1, "assistant_call", "x", response_id=f"resp_{name}")
                for status in ("active", "closed"):
                    session = Session(name, status=status, runs=[Run("run_1", "user_message", steps=[step])])
                    store.put(session)
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
        for each in threads: each.start()
        for each in threads: each.join()
    """
    callers = [threading.Thread(target=run, args=(code, paths.root, process)) for process in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert len(store.ids()) == 72
    assert {row.session_id for row in store.list(status="closed")} == set(store.ids())
    for session_id in store.ids():
        found = store.find_response(f"resp_{session_id}")
        assert found is not None
        assert found[0] == session_id
