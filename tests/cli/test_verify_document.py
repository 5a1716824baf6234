"""``tfclient verify`` names the step of a document that was changed, whichever of its fields it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.making import run
from tfclient.finishing.live import LiveSession
from tfstore.journal.segment import Segment
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
    assert all(flaw["detail"].startswith(f"{step_id} in ") for flaw in session["flaws"])


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


def test_a_torn_line_does_not_hide_what_was_changed(tmp_path: Path) -> None:
    """What a killed process leaves at the end of its file is harmless; the document is compared all the same."""
    store = Store(tmp_path / "store", create=True)
    segment = Segment.open(store.paths, "sess_1")
    segment.append({"at": 1, "mono": 1, "type": "annotation", "kind": "note", "data": "one"})
    segment.close()
    with segment.path.open("ab") as file:
        file.write(b'{"seq":2,')
    LiveSession(store, "sess_1").finish()
    assert run("verify", "sess_1", "--store", store.paths.root).code == 0

    path = store.paths.document("sess_1")
    path.write_text(path.read_text().replace('"type": "annotation.note"', '"type": "annotation.other"'))
    outcome = run("verify", "sess_1", "--store", store.paths.root)
    assert outcome.code == 1
    assert "says something else than its journal: type" in outcome.out
