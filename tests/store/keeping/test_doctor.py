from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tests.store.making import SESSION, a_run, a_session, a_step, an_entry, segment_files
from tfstore.disk.files import unfinished
from tfstore.journal.reading import Segment
from tfstore.keeping.doctor import Repair, examine, remove_unfinished
from tfstore.keeping.problems import Problem

if TYPE_CHECKING:
    from tfstore.store import Store


def found(store: Store) -> list[tuple[str, str | None]]:
    return [(finding.kind, finding.session_id) for finding in examine(store)]


def record(store: Store, session_id: str = SESSION, status: str = "closed") -> None:
    with Segment.open(store.paths, session_id) as segment:
        segment.append(an_entry(1), an_entry(2), an_entry(3))
    store.put(
        a_session(session_id, a_run(1, a_step("1_1", "assistant_call", response_id="resp_1")), status=status)
    )


def test_a_sound_store_has_no_findings(store: Store) -> None:
    record(store)
    record(store, "own-id")

    assert found(store) == []
    assert remove_unfinished(store) == Repair()


def test_a_session_being_recorded_is_sound(store: Store) -> None:
    with Segment.open(store.paths, SESSION) as segment:
        segment.append(an_entry(1))
        assert found(store) == []
        store.put(a_session(status="active"))
        assert found(store) == []


def test_documents_that_cannot_be_read_are_named(store: Store) -> None:
    record(store)
    record(store, "broken")
    for name in ("broken", "gone"):
        store.paths.document(name).write_text("{")
    store.paths.document("later").write_text('{"schema_version": "thoughtflow/2", "session_id": "later"}')
    shutil.copy(store.paths.document(SESSION), store.paths.document("copied"))

    assert found(store) == [
        ("corrupt_document", "broken"),
        ("misnamed_document", "copied"),
        ("lost_document", "gone"),
        ("newer_document", "later"),
    ]
    finding, _, lost, _ = examine(store)
    assert lost.mend == "none", "there is no journal to make it of"
    assert finding.path == store.paths.document("broken")
    assert str(finding.path) in finding.detail
    assert finding.mend == "recover"


def test_what_a_dead_process_left_is_named(store: Store) -> None:
    record(store, "died", status="active")
    with Segment.open(store.paths, "died-early") as segment:
        segment.append(an_entry(1))

    assert found(store) == [("dead_writer", "died"), ("no_document", "died-early")]


def test_damage_in_a_journal_is_named_with_its_place(store: Store) -> None:
    record(store)
    (file,) = segment_files(store.paths)
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + b"junk\n" + third + second[:10])
    findings = list(examine(store))

    assert [finding.kind for finding in findings] == ["changed", "removed", "torn"]
    assert {finding.path for finding in findings} == {file}
    assert findings[0].detail.startswith("Line 2 ")
    assert findings[1].detail.startswith("Entry 2 ")
    assert list(examine(store, journals=False)) == []
    assert {finding.mend for finding in findings} == {"none"}


def test_files_that_were_never_finished_are_removed_when_they_are_old(store: Store) -> None:
    record(store)
    old, new = (store.paths.sessions / f".{name}.json.1.aa.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (0, 0))

    assert [finding.path for finding in examine(store)] == [old]
    assert remove_unfinished(store) == Repair(files_removed=1)
    assert new.exists()
    assert not old.exists()


def test_mending_touches_no_document_and_no_journal(store: Store) -> None:
    record(store)
    store.paths.document("broken").write_text("{")
    kept = [*store.paths.sessions.glob("*.json"), *segment_files(store.paths)]
    before = {path: path.read_bytes() for path in kept}
    remove_unfinished(store)

    assert {path: path.read_bytes() for path in kept} == before


def test_a_finding_says_what_mends_it() -> None:
    assert Problem("unfinished_file", "").mend == "fix"
    assert Problem("dead_writer", "").mend == "recover"
    assert Problem("changed", "").mend == "none"


def test_what_was_left_beside_the_stores_own_files_is_found(store: Store) -> None:
    store.paths.make_dir(store.paths.exports)
    left = [
        unfinished(path)
        for path in (store.paths.pruned_totals, store.paths.exports / "localhost_4318-0.jsonl")
    ]
    for path in left:
        path.write_bytes(b"half of")
        os.utime(path, (1, 1))

    assert [(each.kind, each.path) for each in examine(store)] == [("unfinished_file", path) for path in left]
    assert remove_unfinished(store) == Repair(files_removed=2)
