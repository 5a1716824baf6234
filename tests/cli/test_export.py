"""``tfclient export``, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.making import WEATHER, a_store, entries, journal, run, weather
from tfstore.journal.segment import Segment
from tfstore.store import Store

SESSION = "sess_20260902T091400Z_7f3a9c01"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store(tmp_path_factory.mktemp("recorded") / "store", create=True)
    journal(store, SESSION, ended=True)
    assert run("recover", "--store", store.paths.root).code == 0
    return store.paths.root


def test_a_cassette_and_back(recorded: Path, tmp_path: Path) -> None:
    outcome = run("export", "vcr", "--store", recorded, "-o", tmp_path, columns=None)

    assert (outcome.code, outcome.out) == (0, f"{tmp_path / SESSION}.yaml\n")
    assert outcome.err.startswith("1 exchange; ")
    again = run("import", tmp_path / f"{SESSION}.yaml", "--store", tmp_path / "again", "--json").json[
        "imported"
    ]
    assert [each["title"] for each in again] == ["Hello"]


def test_to_stdout(recorded: Path) -> None:
    content = yaml.safe_load(run("export", "vcr", SESSION, "--store", recorded, "-o", "-").out)

    assert [each["response"]["status"]["code"] for each in content["interactions"]] == [200]
    assert content["version"] == 1


def test_as_json(recorded: Path, tmp_path: Path) -> None:
    told = run("export", "vcr", "--store", recorded, "-o", tmp_path / "c.yaml", "--json").json

    counts = {"exchanges": 1, "sockets": 0, "left_out": []}
    assert told == {"session_id": SESSION, "path": str(tmp_path / "c.yaml"), **counts}
    assert run("export", "vcr", "--store", recorded, "-o", "-", "--json").code == 2


def test_what_goes_on_and_what_cannot_be_read_are_told(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", weather())
    there = ("--store", store.paths.root, "-o", tmp_path / "c.yaml", "--force")
    with Segment.open(store.paths, SESSION) as segment:
        segment.append(*entries(ended=False))
        told = run("export", "vcr", SESSION, *there)
        assert told.code == 0
        assert f"Session {SESSION} is still active: what comes from now on is not in it." in told.err
        (store.paths.root / "journal" / SESSION / "2_00000000.jsonl").mkdir()
        told = run("export", "vcr", SESSION, *there)
        assert told.code == 0
        assert f"Part of the journal of {SESSION} cannot be read (" in told.err


def test_what_is_wrong(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("mine", encoding="utf-8")
    documents_only = a_store(tmp_path / "store", weather()).paths.root

    for arguments, code, words in [
        (["vcr", "another", "--store", recorded], 2, "No session 'another' in this store."),
        (["vcr", "--store", recorded, "-o", tmp_path / "c.yaml"], 2, "is there already: name another file"),
        (["vcr", "--store", recorded, "-o", tmp_path / "none" / "c.yaml"], 1, "there is no folder"),
        (["vcr", WEATHER, "--store", documents_only], 1, "has no answer in its journal"),
        (["vcr", "--store", tmp_path / "none"], 1, "There is no store at"),
    ]:
        outcome = run("export", *arguments)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
        assert words in outcome.err
    assert run("export", "har", "--store", recorded).code == 2
    assert (tmp_path / "c.yaml").read_text(encoding="utf-8") == "mine"
