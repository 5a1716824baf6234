"""Sessions as bundles: what is in them, what is said of them, and that they are sound where they are opened."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.projection.recorded import FOLDER, needs_recordings
from tests.store.making import a_session
from tfclient.export.bundle import NotBundled, bundled
from tfclient.export.derived import Asked, NotDerivable
from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.importing.cassettes import import_cassettes
from tfclient.redaction.stream import event_of
from tfstore.bundles.unpacking import unpack
from tfstore.disk.paths import StorePaths
from tfstore.journal.segment import Segment
from tfstore.reading.calls.exchanges import request_bodies
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))
BUNDLED = 50
SAMPLE = 4


def written(store: Store, session_id: str, target: Path, redact: Sequence[Asked] = ()) -> dict[str, Any]:
    with bundled(store, session_id, redact) as made:
        assert made.write(target) == target.stat().st_size
    told: dict[str, Any] = json.loads(zipfile.ZipFile(target).read("bundle.json"))
    return told


def opened(bundle: Path, folder: Path) -> Store:
    unpack(bundle, StorePaths(folder))
    return Store(folder)


def test_a_bundle_is_a_store_of_that_session_alone(session: tuple[Store, str], tmp_path: Path) -> None:
    store, session_id = session

    told = written(store, session_id, tmp_path / "b")
    elsewhere = opened(tmp_path / "b", tmp_path / "elsewhere")

    assert elsewhere.ids() == [session_id]
    assert elsewhere.text(session_id) == store.text(session_id)
    assert elsewhere.journal(session_id)[0] == store.journal(session_id)[0]
    assert verify(elsewhere, session_id).problems == []
    assert not rebuild(elsewhere, session_id).changed
    assert told["redaction"]["when_recorded"]["header:authorization"] == 6
    assert told["redaction"]["now"] == {}
    assert told["redaction"]["no_rule_looks_for"][:2] == ["absolute file paths", "e-mail addresses"]
    assert (told["derived_from"], told["left_out"]) == (None, {})
    assert told["replay"] == {"level": "exact", "why": "nothing of its answers was replaced"}
    packed = zipfile.ZipFile(tmp_path / "b")
    assert json.loads(packed.read("report.json")) == {"sound": True, "problems": []}
    assert session_id in packed.read("README.txt").decode()
    assert packed.read("page.html").startswith(b"<!doctype html>")


@pytest.mark.parametrize("redact", [[], ["paths", "emails"], ["content"]])
def test_the_same_session_gives_the_same_bytes(
    session: tuple[Store, str], tmp_path: Path, redact: list[Asked]
) -> None:
    for name in ("one", "two"):
        written(*session, tmp_path / name, redact)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_asked_for_is_nowhere_in_it(session: tuple[Store, str], tmp_path: Path) -> None:
    store, session_id = session

    told = written(store, session_id, tmp_path / "b", ["paths", "emails"])
    elsewhere = opened(tmp_path / "b", tmp_path / "elsewhere")

    entries, report = elsewhere.journal(session_id)
    text = json.dumps(entries) + "".join(request_bodies(entries).values())
    answers: dict[str, str] = {}
    for each in entries:
        if each["type"] == "stream.chunk" and isinstance(each["data"], str):
            answers[each["exchange_id"]] = answers.get(each["exchange_id"], "") + each["data"]
    deltas = "".join(
        str((event_of(line) or {}).get("delta", ""))
        for answer in answers.values()
        for line in answer.splitlines()
    )
    page = zipfile.ZipFile(tmp_path / "b").read("page.html").decode()
    for where in (text, deltas, elsewhere.text(session_id).decode(), page):
        assert "ada@example" not in where
        assert "example.com" not in where
        assert "/home/ada" not in where
    assert "Write to <redacted:email> about <redacted:path>, she knows." in deltas
    assert "It breaks off at <redacted:email>, and" in deltas
    assert report.intact
    assert verify(elsewhere, session_id).problems == []
    assert not rebuild(elsewhere, session_id).changed
    assert told["redaction"]["now"].keys() == {"email", "path"}
    assert told["redaction"]["not_looked_at"] == 1
    assert told["replay"]["level"] == "placeholders"
    before = store.get(session_id)
    assert told["derived_from"] == {
        "head": before.integrity.head,
        "entries": before.integrity.entries,
        "sound": True,
        "redact": ["paths", "emails"],
    }
    assert entries[0]["derived_from"] == told["derived_from"]


@pytest.mark.parametrize("redact", [["paths", "emails"], ["content"]])
def test_a_session_with_more_replaced_is_told_as_before(
    session: tuple[Store, str], tmp_path: Path, redact: list[Asked]
) -> None:
    store, session_id = session

    written(store, session_id, tmp_path / "b", redact)
    after, before = opened(tmp_path / "b", tmp_path / "elsewhere").get(session_id), store.get(session_id)

    def told(value: Any) -> list[Any]:
        return [
            (step.label, step.status, step.depends_on, step.started_at, step.usage, step.ending, step.latency)
            for run in value.runs
            for step in run.steps
        ]

    assert told(after) == told(before)
    assert [each.lineage.source for each in after.runs] == [each.lineage.source for each in before.runs]
    assert after.redaction.marks > before.redaction.marks


def test_without_content_no_words_are_left(session: tuple[Store, str], tmp_path: Path) -> None:
    store, session_id = session

    told = written(store, session_id, tmp_path / "b", ["content"])
    elsewhere = opened(tmp_path / "b", tmp_path / "elsewhere")

    text = json.dumps(elsewhere.journal(session_id)[0])
    for word in ("ada@", "keeps it", "notes.txt", "breaks off", "Done, ", "/home"):
        assert word not in text
    assert elsewhere.get(session_id).redaction.mode == "content"
    assert told["redaction"]["recorded_with"] == "secrets"
    assert told["replay"]["level"] == "no"
    assert verify(elsewhere, session_id).sound
    with pytest.raises(NotDerivable, match="there is no content left"):
        written(elsewhere, session_id, tmp_path / "again", ["content"])


def test_one_that_is_not_closed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(a_session("sess_1"))
    going_on = store.get("sess_1")
    going_on.status = "active"
    store.put(going_on)

    with pytest.raises(NotBundled, match="Session sess_1 is not closed"), bundled(store, "sess_1"):
        pass


def test_one_that_is_being_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(a_session("sess_1"))

    with (
        Segment.open(store.paths, "sess_1"),
        pytest.raises(NotBundled, match="Session sess_1 is not closed"),
        bundled(store, "sess_1"),
    ):
        pass


def test_one_without_a_journal(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(a_session("sess_1"))

    told = written(store, "sess_1", tmp_path / "b")

    assert told["replay"] == {"level": "no", "why": "its journal holds no answer"}
    with pytest.raises(NotDerivable, match="has no journal that can be read"):
        written(store, "sess_1", tmp_path / "c", ["emails"])


def test_what_is_wrong_goes_with_it(session: tuple[Store, str], tmp_path: Path) -> None:
    store, session_id = session
    written(store, session_id, tmp_path / "b")
    elsewhere = opened(tmp_path / "b", tmp_path / "elsewhere")
    document = elsewhere.paths.document(session_id)
    document.write_bytes(document.read_bytes().replace(b"she knows", b"she knew!"))

    written(elsewhere, session_id, tmp_path / "c")

    report = json.loads(zipfile.ZipFile(tmp_path / "c").read("report.json"))
    assert not report["sound"]
    assert {each["kind"] for each in report["problems"]} == {"changed_document"}
    assert report["problems"][0]["path"] == f"sessions/{session_id}.json"
    assert str(tmp_path) not in json.dumps(report)


@needs_recordings
@pytest.mark.timeout(600)
def test_recordings_opened_elsewhere(tmp_path: Path) -> None:
    cassettes = sorted(FOLDER.rglob("*.yaml"))
    chosen = cassettes[:: len(cassettes) // BUNDLED][:BUNDLED]
    chosen = chosen if LONG else chosen[:: BUNDLED // SAMPLE]
    store = Store(tmp_path / "store", create=True)
    for each in import_cassettes(store, chosen):
        assert each.session is not None
        session_id = each.session.session_id
        written(store, session_id, tmp_path / session_id)
        elsewhere = opened(tmp_path / session_id, tmp_path / f"store_{session_id}")
        assert verify(elsewhere, session_id).problems == []
        assert not rebuild(elsewhere, session_id).changed
        written(store, session_id, tmp_path / f"r_{session_id}", ["paths", "emails"])
        redacted = opened(tmp_path / f"r_{session_id}", tmp_path / f"r_store_{session_id}")
        assert verify(redacted, session_id).problems == []
    assert len(store.ids()) == len(chosen)
