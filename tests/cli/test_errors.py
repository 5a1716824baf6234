"""What is wrong is said in one sentence on stderr, with an honest exit code, in every command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.cli.making import HOSTILE, WEATHER, a_store, run
from tfclient.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store

READING = [
    ["list"],
    ["show", "last"],
    ["why", "last"],
    ["findings", "last"],
    ["findings", "--all"],
    ["notes", "last"],
    ["notes", "list"],
    ["list", "--odd"],
    ["search", "x"],
    ["tail", "last"],
    ["diff", "last", "last:1"],
    ["stats"],
    ["stats", "--by", "tool"],
    ["path", "last"],
    ["d2", "last"],
    ["recover"],
    ["doctor"],
]
OF_A_SESSION = ["show", "why", "findings", "notes", "tail", "path", "d2"]


@pytest.mark.parametrize("json_wanted", [False, True])
@pytest.mark.parametrize("command", READING)
def test_a_missing_store(tmp_path: Path, command: list[str], json_wanted: bool) -> None:  # noqa: FBT001
    outcome = run(*command, "--store", tmp_path / "none", *(["--json"] if json_wanted else []))

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"There is no store at {tmp_path / 'none'}. ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("command", [*READING, ["tail"], ["demo"]])
def test_a_store_that_is_a_file(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    outcome = run(*command, "--store", tmp_path / "file")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"The store at {tmp_path / 'file'} cannot be used: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("command", OF_A_SESSION)
@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("sess_20260902T091400Z_7f3a9c02", f"Did you mean {WEATHER}"),
        ("7f3a9d01", f"Did you mean {WEATHER}?"),
        ("0914", f"Did you mean {WEATHER}?"),
        ("nothing like it", "`tfclient list` shows what is there."),
        ("../../etc/passwd", "`tfclient list` shows what is there."),
        ("", "`tfclient list` shows what is there."),
    ],
)
def test_an_unknown_id(store: Store, command: str, typed: str, hint: str) -> None:
    outcome = run(command, typed, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"No session {typed!r} in this store. ")
    assert hint in outcome.err


@pytest.mark.parametrize("command", OF_A_SESSION)
def test_a_start_that_several_ids_have(store: Store, command: str) -> None:
    outcome = run(command, "sess_", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("'sess_' is the start of 3 session ids: ")
    assert WEATHER in outcome.err
    assert HOSTILE in outcome.err


@pytest.mark.parametrize("command", OF_A_SESSION)
def test_the_last_of_an_empty_store(tmp_path: Path, command: str) -> None:
    outcome = run(command, "last", "--store", a_store(tmp_path / "store").paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"There are no sessions in the store at {tmp_path / 'store'} yet.\n"


@pytest.mark.parametrize("command", ["show", "d2"])
@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"schema_version": "thoughtflow/1", "runs": 3}', "\xff"]
)
def test_a_corrupt_document(store: Store, command: str, content: str) -> None:
    store.paths.document(WEATHER).write_text(content, encoding="latin-1")

    outcome = run(command, WEATHER, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(
        f"The document of session {WEATHER} at {store.paths.document(WEATHER)} cannot be read: "
    )
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("command", ["show", "d2"])
def test_a_newer_document(store: Store, command: str) -> None:
    path = store.paths.document(WEATHER)
    path.write_text(
        json.dumps({**json.loads(path.read_text(encoding="utf-8")), "schema_version": "thoughtflow/9"})
    )

    outcome = run(command, WEATHER, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert "upgrade tfclient to open it" in outcome.err


def test_a_corrupt_document_is_told_where_it_would_be_listed_and_has_a_path(store: Store) -> None:
    path = store.paths.document(WEATHER)
    path.write_text("{", encoding="utf-8")

    outcome = run("list", "--store", store.paths.root)
    assert outcome.code == 1
    assert f"The document of session {WEATHER} at {path} cannot be read" in " ".join(outcome.err.split())
    assert run("path", WEATHER, "--store", store.paths.root).out == f"{path}\n"


def test_what_is_said_on_stderr_holds_no_control_characters(store: Store) -> None:
    outcome = run("show", "\x1b[31mred", "--store", store.paths.root)

    assert outcome.code == 2
    assert "\x1b" not in outcome.err


def test_wrong_usage() -> None:
    assert run("delete").code == 2
    assert run("no-such-command").code == 2
    assert run("list", "--no-such-option").code == 2


@pytest.mark.parametrize(
    "command", [["list"], ["show", "last"], ["doctor"], ["demo"], ["import", "cassette.yaml"], ["stats"]]
)
def test_an_unknown_address_is_no_store(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    address = "mysql://host/db"
    by_option = run(*command, "--store", address)
    by_environment = CliRunner().invoke(app, command, env={"THOUGHTFLOW_DIR": address})

    sentence = (
        f"'{address}' cannot be used: give the path of a folder, or postgresql://host/name to read what"
    )
    assert (by_option.code, by_environment.exit_code) == (2, 2)
    for told in (by_option.err, by_environment.stderr):
        assert sentence in " ".join(told.split())
    assert list(tmp_path.iterdir()) == []


NEEDS_THE_DISK = [
    *(
        ["path"],
        ["tail"],
        ["recover"],
        ["rebuild", "x"],
        ["verify", "x"],
        ["doctor"],
        ["again", "last", "1.3"],
    ),
    *(
        ["import", "cassette.yaml"],
        ["demo"],
        ["bundle"],
        ["export", "vcr"],
        ["note", "last", "well"],
        ["notes"],
        ["adapt"],
    ),
    *(["replay", "last", "agent.py"], ["show", "last", "--raw", "1.3"]),
]


@pytest.mark.parametrize("command", NEEDS_THE_DISK, ids=" ".join)
def test_what_needs_the_disk_says_so_of_a_database_and_makes_nothing(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = run(command[0], "--store", "postgresql://ada:secret@127.0.0.1:1/db", *command[1:])

    told = " ".join(outcome.err.split())
    assert outcome.code == 2
    assert f"This store is a database; `{command[0]}" in told
    assert "secret" not in told
    assert list(tmp_path.iterdir()) == []
