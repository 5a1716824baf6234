"""``tfclient rebuild``, ``verify``, ``prune`` and ``delete``, and what ``doctor --fix`` mends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from openai import InternalServerError

from tests.capture.driver import MODEL
from tests.cli.making import WEATHER, a_store, journal, run, weather
from tests.server.replies import answer, server_error
from tfclient import Recorder, TracedOpenAI
from tfclient.finishing import recovery
from tfclient.finishing.live import LiveSession
from tfstore.document.converter import to_json
from tfstore.document.json_text import readable
from tfstore.errors import ArchiveUnreadable, SessionDeleted
from tfstore.journal.archive import Archive
from tfstore.journal.segment import Segment
from tfstore.keeping.deleting import delete
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer

ONE = "sess_20260902T080000Z_00000001"
TWO = "sess_20260902T080000Z_00000002"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two sessions, finished and archived."""
    made = a_store(tmp_path / "store")
    for session_id in (ONE, TWO):
        journal(made, session_id, ended=True)
    run("recover", "--store", made.paths.root)
    assert not list(made.paths.journal.glob("sess_*"))
    return made


def change_a_byte(store: Store) -> None:
    """Damage what is archived of the first session, as a disk does; its head can still be read."""
    (part,) = Archive.open(store.paths, ONE).parts
    path = store.paths.archived(ONE)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveUnreadable):
        Archive.open(store.paths, ONE).stream(part).read()


def contents(store: Store) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for folder in (store.paths.sessions, store.paths.journal, store.paths.archive)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


def tamper(store: Store, session_id: str) -> None:
    """Change the first answer's entry, as somebody would who unpacks the journal and lays it back."""
    archive = Archive.open(store.paths, session_id)
    (part,) = archive.parts
    content = archive.stream(part).read()
    folder = store.paths.make_journal_of(session_id)
    (folder / f"{part.writer}.jsonl").write_bytes(content.replace(b"gpt-4.1", b"gpt-9.9", 1))
    store.paths.archived(session_id).unlink()


class TestRebuild:
    def test_all_come_out_the_same_to_the_byte(self, store: Store) -> None:
        before = {path: path.read_bytes() for path in store.paths.sessions.iterdir()}
        archives = {path: path.read_bytes() for path in store.paths.archive.iterdir()}

        outcome = run("rebuild", "--all", "--store", store.paths.root)

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out == f"{ONE}  the same as before\n{TWO}  the same as before\n"
        assert {path: path.read_bytes() for path in store.paths.sessions.iterdir()} == before
        assert {path: path.read_bytes() for path in store.paths.archive.iterdir()} == archives

    def test_a_document_that_is_gone_comes_back(self, store: Store) -> None:
        before = store.paths.document(ONE).read_bytes()
        store.paths.document(ONE).unlink()
        store.paths.diagram(ONE).unlink()

        outcome = run("rebuild", ONE, "--store", store.paths.root)

        assert (outcome.code, outcome.out) == (0, f"{ONE}  written\n")
        assert store.paths.document(ONE).read_bytes() == before
        assert store.paths.diagram(ONE).is_file()

    def test_an_earlier_document_that_differs_is_kept(self, store: Store) -> None:
        before = store.paths.document(ONE).read_bytes()
        changed = store.get(ONE)
        changed.title = "Somebody's own words"
        store.put(changed)

        found = run("rebuild", "00000001", "--json", "--store", store.paths.root).json

        (row,) = found["rebuilt"]
        assert row["changed"] is True
        assert store.paths.document(ONE).read_bytes() == before
        assert store.paths.earlier(ONE).read_bytes() == readable(to_json(changed))
        assert row["earlier"] == str(store.paths.earlier(ONE))
        assert store.ids() == [ONE, TWO]

    def test_without_a_journal_the_document_stays(self, tmp_path: Path) -> None:
        bare = a_store(tmp_path / "bare", weather())

        outcome = run("rebuild", WEATHER, "--store", bare.paths.root)

        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err.startswith(f"Session {WEATHER} has no journal to make its document from again;")

    def test_a_damaged_archive_leaves_the_document(self, store: Store) -> None:
        store.paths.archived(ONE).write_bytes(b"something else")
        before = store.paths.document(ONE).read_bytes()

        outcome = run("rebuild", "--all", "--store", store.paths.root)

        assert outcome.code == 1
        assert "it is no archive of this format" in outcome.err
        assert outcome.out == f"{TWO}  the same as before\n"
        assert store.paths.document(ONE).read_bytes() == before

    @pytest.mark.parametrize("command", [["rebuild", ONE], ["rebuild", "--all"], ["doctor", "--fix"]])
    def test_an_archive_with_one_changed_byte_leaves_the_document(
        self, command: list[str], store: Store
    ) -> None:
        change_a_byte(store)
        before = contents(store)

        outcome = run(*command, "--store", store.paths.root)

        assert outcome.code == 1
        assert "cannot be read" in outcome.out + outcome.err
        assert ".tmp" not in outcome.out + outcome.err
        assert contents(store) == before

    def test_a_document_that_is_gone_is_made_of_what_can_be_read(self, store: Store) -> None:
        change_a_byte(store)
        store.paths.document(ONE).unlink()

        assert run("rebuild", ONE, "--store", store.paths.root).code == 1

        assert any(note.startswith("journal: not all of") for note in store.get(ONE).notes)

    def test_a_session_that_goes_on_keeps_what_its_damaged_archive_told(self, store: Store) -> None:
        change_a_byte(store)
        before = store.paths.document(ONE).read_bytes()

        for n in range(2):
            with Segment.open(store.paths, ONE) as segment:
                segment.append({"at": 1_788_400_000_000_000 + n, "mono": 1, "type": "session.started"})
                LiveSession(store, ONE).refresh()
                assert store.paths.earlier(ONE).read_bytes() == before
        assert store.paths.document(ONE).read_bytes() != before

    def test_says_what_it_wants(self, store: Store) -> None:
        assert run("rebuild", "--store", store.paths.root).code == 2
        assert run("rebuild", ONE, "--all", "--store", store.paths.root).code == 2
        assert run("rebuild", "nothing", "--store", store.paths.root).code == 2


class TestVerify:
    def test_sound(self, store: Store) -> None:
        outcome = run("verify", "--all", "--store", store.paths.root)

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out == f"{ONE}  sound  5 lines\n{TWO}  sound  5 lines\n"

    def test_names_the_first_entry_that_was_changed(self, store: Store) -> None:
        tamper(store, TWO)

        outcome = run("verify", "--all", "--store", store.paths.root)
        found = run("verify", TWO, "--json", "--store", store.paths.root)

        assert outcome.code == found.code == 1
        assert f"{ONE}  sound" in outcome.out
        assert "Entry 3 of segment " in outcome.out
        (session,) = found.json["sessions"]
        assert (session["sound"], session["problems"][0]["seq"]) == (False, 3)


class TestDoctor:
    def test_what_was_taken_out_of_a_document_is_found_and_put_back(self, store: Store) -> None:
        session = store.get(ONE)
        for each in session.runs:
            each.steps = [step for step in each.steps if step.response_id is None]
        store.put(session)

        found = run("doctor", "--json", "--store", store.paths.root)
        fixed = run("doctor", "--fix", "--json", "--store", store.paths.root)

        assert [(each["kind"], each["session_id"], each["mend"]) for each in found.json["problems"]] == [
            ("changed_document", ONE, "rebuild")
        ] * 2
        assert "is in the journal and not in" in found.json["problems"][0]["detail"]
        assert (fixed.code, fixed.json["problems"]) == (0, [])
        assert fixed.json["repaired"]["sessions_rebuilt"] == 1
        assert store.get(ONE).summary.model_calls == 1

    def test_what_dead_programs_left_is_mended(self, store: Store) -> None:
        dead = "sess_20260902T080000Z_dead0001"
        journal(store, dead)
        store.paths.document(TWO).write_text("{", encoding="utf-8")

        fixed = run("doctor", "--fix", "--json", "--store", store.paths.root)

        assert (fixed.code, fixed.json["problems"]) == (0, [])
        assert fixed.json["repaired"]["sessions_rebuilt"] == 2
        assert store.get(dead).end_reason == "recovered"
        assert store.get(TWO).status == "closed"

    def test_a_journal_that_is_not_packed_is_packed(self, store: Store) -> None:
        archive = Archive.open(store.paths, ONE)
        (part,) = archive.parts
        (store.paths.make_journal_of(ONE) / f"{part.writer}.jsonl").write_bytes(archive.stream(part).read())

        found = run("doctor", "--json", "--store", store.paths.root).json["problems"]
        fixed = run("doctor", "--fix", "--json", "--store", store.paths.root)

        assert [each["kind"] for each in found] == ["unarchived_journal"]
        assert fixed.json["problems"] == []
        assert not store.paths.journal_of(ONE).exists()

    def test_repeated_lines_are_told_and_read_once(self, store: Store) -> None:
        archive = Archive.open(store.paths, ONE)
        (part,) = archive.parts
        lines = archive.stream(part).read().splitlines(keepends=True)
        before = store.paths.document(ONE).read_bytes()
        store.paths.archived(ONE).unlink()
        segment = store.paths.make_journal_of(ONE) / f"{part.writer}.jsonl"
        segment.write_bytes(b"".join([*lines[:4], *lines[2:]]))

        run("rebuild", ONE, "--store", store.paths.root)
        found = run("doctor", "--json", "--store", store.paths.root).json["problems"]

        assert store.paths.document(ONE).read_bytes() == before
        assert [each["kind"] for each in found] == ["inserted", "inserted"]


class TestPrune:
    def test_a_dry_run_removes_nothing(self, store: Store) -> None:
        outcome = run("prune", "--older-than", "0d", "--dry-run", "--store", store.paths.root)

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.splitlines()[-1].startswith("2 sessions would be removed, ")
        assert store.ids() == [ONE, TWO]

    def test_by_age(self, store: Store) -> None:
        assert run("prune", "--older-than", "9999d", "--store", store.paths.root).out == (
            "0 sessions removed, 0 B.\n"
        )

        found = run("prune", "--older-than", "0m", "--json", "--store", store.paths.root).json

        assert [each["session_id"] for each in found["removed"]] == [ONE, TWO]
        assert store.ids() == []
        assert store.recorded() == []

    def test_by_size(self, store: Store) -> None:
        run("prune", "--max-size", "1GB", "--store", store.paths.root)
        assert store.ids() == [ONE, TWO]

        run("prune", "--max-size", "0", "--store", store.paths.root)
        assert store.ids() == []

    @pytest.mark.parametrize(
        "options", [(), ("--older-than", "soon"), ("--max-size", "big"), ("--max-size", "-1")]
    )
    def test_says_what_it_wants(self, store: Store, options: tuple[str, ...]) -> None:
        assert run("prune", *options, "--store", store.paths.root).code == 2
        assert store.ids() == [ONE, TWO]


class TestDelete:
    def test_a_session_and_all_of_it(self, store: Store) -> None:
        outcome = run("delete", ONE, "--store", store.paths.root)

        assert (outcome.code, outcome.out) == (0, f"{ONE} is deleted.\n")
        assert not list(store.paths.root.rglob(f"{ONE}*"))
        assert store.ids() == [TWO]

    @pytest.mark.parametrize("typed", ["00000001", "nothing", "../sessions", "last"])
    def test_only_by_its_whole_id(self, store: Store, typed: str) -> None:
        outcome = run("delete", TWO, typed, "--store", store.paths.root)

        assert outcome.code == 2
        assert store.ids() == [ONE, TWO]

    @pytest.mark.parametrize("how", ["delete", "prune"])
    def test_nothing_of_it_is_left_in_the_store(
        self, tmp_path: Path, server: ScriptedServer, how: str
    ) -> None:
        """Neither ids nor what was said, in any file; of the session that stays, everything."""
        shared = "Both of them say this. " * 4_000
        server.always(answer("Hello!"))
        recorder = Recorder(tmp_path / "recorded")
        with TracedOpenAI(base_url=server.url, api_key="k", recorder=recorder) as client:
            told: dict[str, list[str]] = {}
            ids: dict[str, str] = {}
            for name in ("goes", "stays"):
                with client.session(title=f"It {name}") as handle:
                    own = f"Only the one that {name} says this. "
                    first = client.responses.create(model=MODEL, input=own * 3_000)
                    then = client.responses.create(
                        model=MODEL,
                        input=[{"role": "user", "content": shared}],
                        previous_response_id=first.id,
                    )
                    if name == "stays":
                        server.script(server_error())
                        with pytest.raises(InternalServerError):
                            client.with_options(max_retries=0).responses.create(model=MODEL, input="Again")
                ids[name] = handle.id
                told[name] = [handle.id, f"It {name}", own.strip(), first.id, then.id]
                assert handle.wait(60)
        opened = Store(tmp_path / "recorded")
        run("d2", ids["goes"], "--svg", "--store", opened.paths.root)
        assert len(list(opened.paths.blobs.glob("??/*"))) == 3
        assert all(is_said(opened, each) for each in [*told["goes"], *told["stays"]])

        command = (
            ["delete", ids["goes"]] if how == "delete" else ["prune", "--max-size", "0", "--keep-failed"]
        )
        assert run(*command, "--store", opened.paths.root).code == 0

        assert [each for each in told["goes"] if is_said(opened, each)] == []
        assert [each for each in told["stays"] if not is_said(opened, each)] == []
        assert is_said(opened, shared.strip())
        run("doctor", "--fix", "--store", opened.paths.root)
        assert run("doctor", "--store", opened.paths.root).code == 0
        assert run("verify", ids["stays"], "--store", opened.paths.root).code == 0

    def test_what_was_deleted_is_not_made_again(self, store: Store) -> None:
        """By whoever was about to: the end of a program that is still there, or a recovery."""
        journal(store, "late")
        seen, unseen = LiveSession(store, "late"), LiveSession(store, "late")
        seen.refresh()
        delete(store, ["late"])

        for live in (seen, unseen):
            with pytest.raises(SessionDeleted):
                live.write_files()
        assert list(recovery.recover(store, ["late"])) == []
        assert not [path for path in store.paths.root.rglob("*") if "late" in path.name]


def is_said(store: Store, text: str) -> bool:
    """Whether a name or content of any file in the store has these words."""
    return any(
        text in path.name or (path.is_file() and text.encode() in path.read_bytes())
        for path in store.paths.root.rglob("*")
    )


class TestDamage:
    """An archive that cannot be read, and segments beside it: nothing mends that, and nobody is told in vain."""

    @pytest.fixture(params=["a byte", "all of it", "no document"])
    def damaged(self, request: pytest.FixtureRequest, store: Store) -> Store:
        if request.param == "a byte":
            change_a_byte(store)
        else:
            store.paths.archived(ONE).write_bytes(b"something else")
        if request.param == "no document":
            store.paths.document(ONE).unlink()
        with Segment.open(store.paths, ONE) as segment:
            segment.append({"at": 1_788_400_000_000_000, "mono": 1, "type": "annotation", "kind": "note"})
        return store

    @pytest.mark.parametrize(
        "command",
        [["list"], ["show", TWO], ["why", TWO], ["search", "Hello"], ["stats"], ["path", TWO], ["d2", TWO]],
    )
    def test_what_does_not_touch_it_says_nothing(
        self, damaged: Store, command: list[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(2):
            outcome = run(*command, "--store", damaged.paths.root)

            assert (outcome.code, outcome.err) == (0, "")
        assert [each for each in caplog.records if each.levelname == "WARNING"] == []

    @pytest.mark.parametrize("command", ["show", "why", "path", "d2"])
    def test_what_shows_it_says_so(self, damaged: Store, command: str) -> None:
        for _ in range(2):
            outcome = run(command, ONE, "--store", damaged.paths.root)

            assert outcome.code == 0
            assert outcome.err.startswith(f"What is shown of session {ONE} may not be all of it.")
            assert outcome.err.count("\n") == 1

    def test_doctor_and_verify_say_so(self, damaged: Store) -> None:
        run("list", "--store", damaged.paths.root)
        doctor = run("doctor", "--json", "--store", damaged.paths.root)
        verify = run("verify", ONE, "--store", damaged.paths.root)

        kinds = [each["kind"] for each in doctor.json["problems"] if each["session_id"] == ONE]
        assert "unreadable" in kinds
        assert (doctor.code, verify.code) == (1, 1)
        assert "cannot be read" in verify.out

    def test_another_session_that_cannot_be_finished_is_still_told(
        self, damaged: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        journal(damaged, "other")
        really = recovery.end_session

        def full(store: Store, session_id: str) -> object:
            if session_id == "other":
                raise OSError(28, "No space left on device")
            return really(store, session_id)

        monkeypatch.setattr(recovery, "end_session", full)
        run("list", "--store", damaged.paths.root)

        assert "No space left" in caplog.text
