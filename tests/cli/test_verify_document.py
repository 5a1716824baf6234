"""``tfclient verify`` names what was changed in a document, whatever it was; ``doctor --fix`` puts it right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.making import a_cassette, an_exchange, run
from tfclient.finishing.live import LiveSession
from tfstore.document.documents import Session
from tfstore.document.json_text import readable
from tfstore.journal.segment import Segment
from tfstore.keeping.deleting import delete
from tfstore.store import Store

CASSETTE = Path(__file__).parents[2] / "cassettes" / "agent_loop.yaml"


@pytest.fixture
def imported(tmp_path: Path) -> Store:
    root = tmp_path / "store"
    assert run("import", CASSETTE, "--store", root).code == 0
    return Store(root)


def change(store: Store, of_step: Callable[[dict[str, Any]], None]) -> str:
    """Change the first model call in the document, as somebody with an editor would."""
    path = store.paths.document(store.last())
    document = json.loads(path.read_text(encoding="utf-8"))
    step = next(step for step in document["runs"][0]["steps"] if step["label"] == "assistant_call")
    of_step(step)
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return str(step["step_id"])


def one_character(step: dict[str, Any]) -> None:
    step["payload_started"]["name"] = step["payload_started"]["name"].replace("create", "creatE")


def the_model(step: dict[str, Any]) -> None:
    step["model"] = "another"


def the_usage(step: dict[str, Any]) -> None:
    step["usage"]["input_tokens"] += 1


def test_what_nobody_changed_is_sound(imported: Store) -> None:
    outcome = run("verify", imported.last(), "--store", imported.paths.root)
    assert (outcome.code, "sound" in outcome.out) == (0, True)


@pytest.mark.parametrize("of_step", [one_character, the_model, the_usage], ids=lambda each: each.__name__)
def test_a_changed_step_is_named(imported: Store, of_step: Callable[[dict[str, Any]], None]) -> None:
    step_id = change(imported, of_step)
    outcome = run("verify", imported.last(), "--json", "--store", imported.paths.root)
    (session,) = outcome.json["sessions"]
    assert (outcome.code, session["sound"]) == (1, False)
    assert all(each["detail"].startswith(f"{step_id} in ") for each in session["problems"])


def test_a_step_that_was_taken_out_is_named(imported: Store) -> None:
    path = imported.paths.document(imported.last())
    document = json.loads(path.read_text(encoding="utf-8"))
    gone = document["runs"][0]["steps"].pop()
    path.write_text(json.dumps(document), encoding="utf-8")
    outcome = run("verify", imported.last(), "--store", imported.paths.root)
    assert outcome.code == 1
    assert gone["step_id"] in outcome.out


def test_rebuilding_brings_it_back(imported: Store) -> None:
    change(imported, the_model)
    assert run("rebuild", imported.last(), "--store", imported.paths.root).code == 0
    assert run("verify", imported.last(), "--store", imported.paths.root).code == 0


def edited(store: Store, session_id: str, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """Change a document as somebody with a script would; return it as it was."""
    path = store.paths.document(session_id)
    before = path.read_bytes()
    document = json.loads(before)
    edit(document)
    path.write_bytes(readable(document))
    return before


def put(*keys: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        part: Any = document
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value

    return edit


EDITS: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("result",), "failed", "{path}: result."),
    (("title",), "Something else", "{path}: title."),
    (("metadata", "user"), "mallory", "{path}: metadata.user."),
    (("ended_at",), "2027-01-01T00:00:00.000Z", "{path}: ended_at."),
    (("duration_ms",), 1, "{path}: duration_ms."),
    (("integrity", "alg"), "md5", "{path}: integrity.alg."),
    (("artifacts", "d2"), "elsewhere.d2", "{path}: artifacts.d2."),
    (("notes",), ["all is well"], "{path}: notes."),
    (("summary", "usage", "input_tokens"), 1, "{path}: summary.usage.input_tokens."),
    (("summary", "errors"), 7, "{path}: summary.errors."),
    (("added_by",), "somebody", "{path}: added_by."),
    (("runs", 0, "status"), "failed", "run_1 in {path}: status."),
    (("runs", 0, "input_text"), "Another question", "run_1 in {path}: input_text."),
    (("runs", 0, "trigger"), "resumed", "run_1 in {path}: trigger."),
    (("runs", 0, "lineage", "parent_run_id"), "run_9", "run_1 in {path}: lineage.parent_run_id."),
    (("runs", 0, "lineage", "source"), "explicit", "run_1 in {path}: lineage.source."),
    (("runs", 0, "lineage", "notes"), ["parent_session:sess_1"], "run_1 in {path}: lineage.notes."),
    (("runs", 0, "steps", 0, "label"), "tool_call", "step_1_1 in {path}: label."),
    (("runs", 0, "steps", 0, "status"), "failed", "step_1_1 in {path}: status."),
    (("runs", 0, "steps", 0, "origin", "depth"), 3, "step_1_1 in {path}: origin.depth."),
    (("runs", 0, "steps", 1, "depends_on"), ["step_1_9"], "step_1_2 in {path}: depends_on."),
    (("runs", 0, "steps", 1, "duration_ms"), 1, "step_1_2 in {path}: duration_ms."),
    (("runs", 0, "steps", 0, "sha256"), "0" * 64, "step_1_1 in {path}: sha256."),
]


@pytest.mark.parametrize(("keys", "value", "named"), EDITS, ids=[named for *_, named in EDITS])
def test_whatever_was_changed_is_named_and_put_right(
    imported: Store, keys: tuple[str | int, ...], value: Any, named: str
) -> None:
    session_id = imported.last()
    root, path = imported.paths.root, imported.paths.document(session_id)
    listed = run("list", "--json", "--store", root).out
    before = edited(imported, session_id, put(*keys, value=value))
    changed = path.read_bytes()
    detail = named.format(path=path).replace(": ", " says something else than its journal: ", 1)

    verify = run("verify", session_id, "--json", "--store", root)
    doctor = run("doctor", "--json", "--store", root)
    fixed = run("doctor", "--fix", "--json", "--store", root)

    (session,) = verify.json["sessions"]
    assert (verify.code, session["sound"]) == (1, False)
    assert [(each["kind"], each["detail"], each["mend"]) for each in session["problems"]] == [
        ("changed_document", detail, "rebuild")
    ]
    assert (doctor.code, detail in [each["detail"] for each in doctor.json["problems"]]) == (1, True)
    assert (fixed.code, fixed.json["problems"], fixed.json["repaired"]["sessions_rebuilt"]) == (0, [], 1)
    assert path.read_bytes() == before
    assert imported.paths.earlier(session_id).read_bytes() == changed
    assert run("list", "--json", "--store", root).out == listed


def test_of_another_version_it_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with Segment.open(store.paths, "sess_1") as segment:
        segment.append({"at": 1, "mono": 1, "type": "session.started", "runtime": {"tfclient": "0.0.1"}})
        segment.append({"at": 2, "mono": 2, "type": "session.ended", "end_reason": "closed"})
    LiveSession(store, "sess_1").write_files()
    edited(store, "sess_1", put("result", value="failed"))

    outcome = run("verify", "sess_1", "--store", store.paths.root)

    assert (outcome.code, ": result. It was recorded with tfclient 0.0.1, and this is" in outcome.out) == (
        1,
        True,
    )


def test_verify_says_what_mends_it(imported: Store) -> None:
    edited(imported, imported.last(), put("result", value="failed"))

    lines = run("verify", "--all", "--store", imported.paths.root).out.splitlines()

    assert "changed" in lines[0]
    assert lines[-1] == f"  `tfclient rebuild {imported.last()}` makes it anew, and keeps this one beside it."


def test_a_step_that_was_moved_is_named(imported: Store) -> None:
    def move(document: dict[str, Any]) -> None:
        steps = document["runs"][0]["steps"]
        steps[0], steps[1] = steps[1], steps[0]

    edited(imported, imported.last(), move)

    outcome = run("verify", imported.last(), "--store", imported.paths.root)
    assert (outcome.code, "is laid out or ordered otherwise" in outcome.out) == (1, True)


def test_a_run_that_was_taken_out_is_named(imported: Store) -> None:
    edited(imported, imported.last(), lambda document: document["runs"].clear())

    outcome = run("verify", imported.last(), "--store", imported.paths.root)
    assert (outcome.code, "run_1 is in the journal and not in" in outcome.out) == (1, True)


def earlier(document: dict[str, Any]) -> None:
    """Make a document look as one of the version before, which did not name exchanges."""
    for each in document["runs"]:
        for step in each["steps"]:
            for attempt in step.get("attempts", []):
                del attempt["exchange_id"]


def test_a_document_of_an_earlier_version_was_not_changed(imported: Store) -> None:
    root, session_id = imported.paths.root, imported.last()
    after = edited(imported, session_id, earlier)

    outcome = run("verify", session_id, "--json", "--store", root)

    (session,) = outcome.json["sessions"]
    assert (outcome.code, session["sound"]) == (0, True)
    assert [each["kind"] for each in session["problems"]] == ["earlier_document"]
    assert run("doctor", "--store", root).code == 0
    assert run("rebuild", session_id, "--store", root).code == 0
    assert imported.paths.document(session_id).read_bytes() == after


def test_what_was_changed_in_one_is_named_alone(imported: Store) -> None:
    edited(imported, imported.last(), earlier)
    edited(imported, imported.last(), put("result", value="failed"))

    outcome = run("verify", imported.last(), "--json", "--store", imported.paths.root)

    (problem,) = outcome.json["sessions"][0]["problems"]
    assert (outcome.code, problem["detail"].endswith(": result.")) == (1, True)


def a_chain(tmp_path: Path) -> tuple[Path, Path]:
    """Two cassettes: what the second asks goes on from the answer of the first."""
    first = a_cassette(tmp_path / "first.yaml", an_exchange("Hello", "Hi", "resp_1"))
    url, asked, answered = an_exchange("And now?", "Still hi", "resp_2")
    return first, a_cassette(
        tmp_path / "then.yaml", (url, {**asked, "previous_response_id": "resp_1"}, answered)
    )


@pytest.mark.parametrize("order", ["came later", "is gone"])
def test_other_sessions_may_come_and_go(tmp_path: Path, order: str) -> None:
    """A document says in which session its parent was recorded: what was there then, not what is there now."""
    root = tmp_path / "store"
    cassettes = a_chain(tmp_path)
    for each in reversed(cassettes) if order == "came later" else cassettes:
        assert run("import", each, "--store", root).code == 0
    store = Store(root)
    first, then = sorted(store.ids(), key=lambda each: store.get(each).runs[0].input_text, reverse=True)
    assert [each.startswith("parent_session:") for each in store.get(then).runs[0].lineage.notes] == [
        True
    ] * (order == "is gone")
    if order == "is gone":
        delete(store, [first])

    outcome = run("verify", "--all", "--store", root)

    assert (outcome.code, " changed " in outcome.out) == (0, False)


def test_another_parent_than_the_store_knows_is_named(tmp_path: Path) -> None:
    root = tmp_path / "store"
    for each in a_chain(tmp_path):
        assert run("import", each, "--store", root).code == 0
    store = Store(root)
    then = next(each for each in store.ids() if store.get(each).runs[0].lineage.notes)
    edited(
        store,
        then,
        put("runs", 0, "lineage", "notes", value=["parent_session:sess_20260101T000000Z_00000000"]),
    )

    outcome = run("verify", then, "--store", root)

    assert (outcome.code, "run_1 in" in outcome.out, "lineage.notes[0]." in outcome.out) == (1, True, True)


def test_a_diagram_that_could_not_be_drawn_is_no_change(
    imported: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, root = imported.last(), imported.paths.root
    with monkeypatch.context() as patch:
        patch.setattr("tfd2.drawn", lambda _session: iter([None]))
        assert run("rebuild", session_id, "--store", root).code == 1
    assert "diagram: not drawn" in imported.get(session_id).notes[-1]

    assert run("verify", session_id, "--store", root).code == 0


def test_what_the_projection_loses_is_drift(imported: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is what its journal makes, so that nothing was changed; it is not all that is in it."""
    project = LiveSession.project

    def losing(live: LiveSession) -> Session:
        session = project(live)
        for each in session.runs:
            each.steps = [step for step in each.steps if step.response_id is None]
        return session

    monkeypatch.setattr(LiveSession, "project", losing)
    assert run("rebuild", "--all", "--store", imported.paths.root).code == 0

    verify = run("verify", "--all", "--store", imported.paths.root)
    doctor = run("doctor", "--json", "--store", imported.paths.root)

    assert (verify.code, "are in its journal and not in" in verify.out) == (0, True)
    assert [(each["kind"], each["mend"]) for each in doctor.json["problems"]] == [("drift", "none")]


def test_nothing_is_written_by_verifying(imported: Store) -> None:
    before = {path: path.read_bytes() for path in imported.paths.root.rglob("*") if path.is_file()}

    run("verify", "--all", "--store", imported.paths.root)

    assert {path: path.read_bytes() for path in imported.paths.root.rglob("*") if path.is_file()} == before


def test_a_torn_line_does_not_hide_what_was_changed(tmp_path: Path) -> None:
    """What a killed process leaves at the end of its file is harmless; the document is compared all the same."""
    store = Store(tmp_path / "store", create=True)
    segment = Segment.open(store.paths, "sess_1")
    segment.append({"at": 1, "mono": 1, "type": "annotation", "kind": "note", "data": "one"})
    segment.close()
    with segment.path.open("ab") as file:
        file.write(b'{"seq":2,')
    LiveSession(store, "sess_1").write_files()
    assert run("verify", "sess_1", "--store", store.paths.root).code == 0

    path = store.paths.document("sess_1")
    path.write_text(path.read_text().replace('"type": "annotation.note"', '"type": "annotation.other"'))
    outcome = run("verify", "sess_1", "--store", store.paths.root)
    assert outcome.code == 1
    assert "says something else than its journal: type" in outcome.out
