"""``tfclient demo``: the real client on a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.making import run
from tfstore.store import Store

pytestmark = pytest.mark.usefixtures("no_sockets")


def test_needs_neither_key_nor_network_and_shows_the_run_and_where_its_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "store"
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("THOUGHTFLOW_DISABLED", "1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    outcome = run("demo", "--store", root)

    assert (outcome.code, outcome.err) == (0, "")
    store = Store(root)
    session_id = store.last()
    assert f"JSON  {store.paths.document(session_id)}" in outcome.out
    assert f"D2    {store.paths.diagram(session_id)}" in outcome.out
    assert store.paths.diagram(session_id).is_file()
    assert run("show", "last", "--store", root).out in outcome.out


def test_json_and_the_default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = run("demo", "--json")

    found = outcome.json
    assert found.keys() == {"store", "session_id", "json", "d2", "title", "result"}
    assert found["store"] == str(tmp_path / ".thoughtflow")
    assert Path(found["json"]).is_file()
    assert Path(found["d2"]).is_file()


def test_never_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("the recording is not what it was")

    monkeypatch.setattr("tfclient.demo.run_demo", fails)

    outcome = run("demo", "--store", tmp_path / "store")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "The demo could not be played (RuntimeError: the recording is not what it was).\n"


def test_played_again_as_it_was_and_with_another_forecast(tmp_path: Path) -> None:
    told = run("demo", "--replay", "--store", tmp_path / "store", columns=100)
    assert told.code == 0, told.err
    _, again, storm = told.out.split("Again, ")
    assert again.startswith("as it was: played 10 of 10: 10 exact, 0 live\n")
    assert "No differences." in again
    assert storm.startswith(
        "with a storm on Saturday: played 10 of 10: 9 exact, 1 nearest (input[0].output.sky,"
    )
    assert '-   "sky": "sunny"' in storm
    assert '+   "sky": "storm"' in storm
    assert "3 runs the same." in storm
