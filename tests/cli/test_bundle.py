"""``tfclient bundle`` and ``tfclient open``, as they are typed."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from tests.cli.making import journal, run
from tfstore.store import Store

SESSION = "sess_20260902T091400Z_7f3a9c01"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store(tmp_path_factory.mktemp("recorded") / "store", create=True)
    journal(store, SESSION, ended=True)
    assert run("recover", "--store", store.paths.root).code == 0
    return store.paths.root


@pytest.fixture(scope="module")
def bundle(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "b.tfbundle"
    assert run("bundle", SESSION, "--store", recorded, "-o", target).code == 0
    return target


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where folders for a moment are made."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_it_says_what_is_in_it_and_then_where_it_is(recorded: Path, tmp_path: Path) -> None:
    outcome = run("bundle", "--store", recorded, "-o", tmp_path, columns=None)

    assert outcome.code == 0
    *told, last = outcome.out.splitlines()
    assert last == str(tmp_path / f"{SESSION}.tfbundle")
    said = [
        f"archive/{SESSION}.tfz  ",
        "nothing when it was recorded",
        "absolute file paths",
        "replay        exact",
    ]
    for words in said:
        assert any(words in line for line in told)


def test_as_json(recorded: Path, tmp_path: Path) -> None:
    told = run("bundle", "--store", recorded, "-o", tmp_path / "b", "--redact", "content", "--json").json

    assert (told["session_id"], told["path"]) == (SESSION, str(tmp_path / "b"))
    assert told["bytes"] == (tmp_path / "b").stat().st_size
    assert told["redaction"]["now"]["content"] > 1
    assert {each["name"] for each in told["files"]} == set(zipfile.ZipFile(tmp_path / "b").namelist()) - {
        "bundle.json"
    }
    assert told["replay"]["level"] == "no"
    assert told["derived_from"]["redact"] == ["content"]


def test_a_dry_run_writes_nothing(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = run("bundle", "--store", recorded, "--dry-run")

    assert (outcome.code, list(tmp_path.glob("*.tfbundle"))) == (0, [])
    assert "replay" in outcome.out


def test_a_file_that_is_there(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine", encoding="utf-8")

    refused = run("bundle", "--store", recorded, "-o", tmp_path / "b")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "is there already: name another file with -o, or write over it with --force." in refused.err
    assert (tmp_path / "b").read_text(encoding="utf-8") == "mine"
    assert run("bundle", "--store", recorded, "-o", tmp_path / "b", "--force").code == 0
    assert zipfile.is_zipfile(tmp_path / "b")


def test_a_place_that_is_none(recorded: Path, tmp_path: Path) -> None:
    refused = run("bundle", "--store", recorded, "-o", tmp_path / "none" / "b")

    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert f"there is no folder {tmp_path / 'none'}" in refused.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_may_not_be_written(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)

    refused = run("bundle", "--store", recorded, "-o", tmp_path / "closed" / "b")

    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "cannot be written (Permission denied)" in refused.err


@pytest.mark.parametrize(("typed", "words"), [("secrets", "'secrets' is unknown"), (",", "names nothing")])
def test_a_rule_that_there_is_not(recorded: Path, typed: str, words: str) -> None:
    refused = run("bundle", "--store", recorded, "--redact", typed)

    assert (refused.code, refused.out) == (2, "")
    assert words in refused.err
    assert "give some of paths, emails, content." in refused.err


def test_any_command_runs_in_it(bundle: Path, temporary: Path) -> None:
    assert "Hello" in run("open", bundle, "show").out
    assert "sound" in run("open", bundle, "verify", "--all").out
    assert "the same as before" in run("open", bundle, "rebuild", SESSION).out
    assert run("open", bundle, "list", "--json").json[0]["session_id"] == SESSION
    assert run("open", bundle, "doctor").code == 0
    unknown = run("open", bundle, "show", "another")
    assert (unknown.code, unknown.err[:21]) == (2, "No session 'another' ")
    assert list(temporary.iterdir()) == []
    assert "THOUGHTFLOW_DIR" not in os.environ or "tfclient-open" not in os.environ["THOUGHTFLOW_DIR"]


def test_without_a_command_it_is_told_where_it_is(bundle: Path, temporary: Path) -> None:
    session_id, replay, root, *_ = run("open", bundle, columns=None).out.splitlines()

    assert (session_id, replay[:14]) == (SESSION, "replay: exact,")
    assert Path(root).parent.parent == temporary
    assert stat.S_IMODE(Path(root).stat().st_mode) == 0o700
    assert run("show", "--store", root).code == 0


def test_into_a_folder(bundle: Path, tmp_path: Path) -> None:
    assert run("open", "--into", tmp_path / "kept", bundle, "list").code == 0
    assert run("show", "--store", tmp_path / "kept").code == 0

    refused = run("open", "--into", tmp_path / "kept", bundle)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "is there already and not empty" in refused.err


def test_what_is_no_bundle(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "b").write_text("%PDF", encoding="utf-8")

    refused = run("open", tmp_path / "b", "show")
    missing = run("open", tmp_path / "none", "show")

    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert f"{tmp_path / 'b'} was not opened: it is no zip file" in refused.err
    assert (missing.code, missing.err) == (2, f"There is no file {tmp_path / 'none'}.\n")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "open", "demo"])
def test_commands_that_read_no_store(bundle: Path, command: str) -> None:
    refused = run("open", bundle, command, "x.py")

    assert (refused.code, refused.out) == (2, "")
    assert f"`tfclient {command}` does not read a store" in refused.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("replay", "b.tfbundle PROGRAM` plays it as it is; or keep the copy"),
        ("again", "keep the copy, with `tfclient open --into FOLDER"),
    ],
)
def test_what_records_would_lose_its_session(bundle: Path, command: str, words: str, tmp_path: Path) -> None:
    outcome = run("open", bundle, command, "last", "1.3")

    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    kept = run("open", "--into", tmp_path / "kept", bundle, command, "last", "9.9")
    assert "records a session" not in kept.err
    assert (tmp_path / "kept" / "sessions").is_dir()


def test_the_page_in_it_is_not_what_is_shown(bundle: Path, tmp_path: Path) -> None:
    assert run("open", bundle, "html", "-o", tmp_path / "page.html").code == 0

    assert "<!doctype html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert run("open", "--into", tmp_path / "kept", bundle).code == 0
    assert not list((tmp_path / "kept").rglob("*.html"))
