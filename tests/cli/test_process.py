"""The command as a process of its own: how it is installed, in pipes, with and without colour."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.cli.making import HOSTILE, WEATHER, a_store, hostile, weather

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "from tfclient.cli import main; main()"


def start(*arguments: object, code: str = MAIN, **environ: str) -> subprocess.CompletedProcess[bytes]:
    clean = {
        k: v
        for k, v in os.environ.items()
        if k not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "THOUGHTFLOW_DIR"}
    }
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=100, env={**clean, **environ})  # noqa: S603


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_store(tmp_path / "store", weather(), hostile()).paths.root


def test_version() -> None:
    done = start("--version")

    assert (done.returncode, done.stdout) == (0, f"tfclient {version('tfclient')}\n".encode())


def test_help_names_every_command() -> None:
    done = start("--help")

    assert done.returncode == 0
    for command in (
        "demo",
        "list",
        "show",
        "why",
        "search",
        "tail",
        "diff",
        "stats",
        "path",
        "d2",
        "view",
        "html",
        "import",
        "recover",
        "doctor",
    ):
        assert f" {command} ".encode() in done.stdout


def test_the_client_does_not_import_the_command() -> None:
    code = "import sys, tfclient; print([name for name in sys.modules if name.split('.')[0] in ('typer', 'rich')])"

    assert start(code=code).stdout == b"[]\n"


def test_listing_does_not_import_what_it_does_not_need() -> None:
    heavy = "('rich.progress', 'yaml', 'tfd2', 'tinydb')"
    code = f"import sys, tfclient.cli.app; print([name for name in {heavy} if name in sys.modules])"

    assert start(code=code).stdout == b"[]\n"


def test_plain_in_pipes_and_coloured_where_it_is_asked_for(root: Path) -> None:
    plain = start("show", WEATHER, "--store", root)
    coloured = start("show", WEATHER, "--store", root, FORCE_COLOR="1")

    assert b"\x1b[" not in plain.stdout
    assert b"\x1b[1;31mFAILED" in coloured.stdout


def test_no_color_is_obeyed(root: Path) -> None:
    done = start("show", WEATHER, "--store", root, FORCE_COLOR="1", NO_COLOR="1")

    # Bold and dim stay: they are no colours.
    assert b"FAILED" in done.stdout
    assert b";31m" not in done.stdout
    assert b"[31m" not in done.stdout


@pytest.mark.parametrize("command", [("list",), ("show", WEATHER), ("search", "Oslo")])
def test_a_terminal_that_does_not_know_its_width(root: Path, command: tuple[str, ...]) -> None:
    there = start(*command, "--store", root, COLUMNS="80")
    done = start(*command, "--store", root, COLUMNS="0")

    assert done.stdout == there.stdout
    assert there.stdout.strip()


def test_a_terminal_without_unicode(root: Path) -> None:
    done = start("show", WEATHER, "--store", root, PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"|- 1.2 INSTRUCTIONS" in done.stdout
    assert done.stdout.isascii()


def test_json_is_utf_8_whatever_the_terminal(root: Path) -> None:
    done = start("show", HOSTILE, "--store", root, "--json", PYTHONIOENCODING="ascii")

    assert done.returncode == 0
    assert "東京".encode() in done.stdout


def test_an_error_is_a_sentence(tmp_path: Path) -> None:
    done = start("list", THOUGHTFLOW_DIR=str(tmp_path / "none"))

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(f"There is no store at {tmp_path / 'none'}. ".encode())
    assert b"Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough(root: Path) -> None:
    command = f"{sys.executable} -c '{MAIN}' show {WEATHER} --full --store {root} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, check=False, timeout=100)  # noqa: S602

    assert done.stdout.startswith(b"Weather agent")
    assert b"Traceback" not in done.stderr


def test_ids_are_completed_by_the_shell(root: Path) -> None:
    done = start(
        _TFCLIENT_COMPLETE="complete_bash", COMP_WORDS=f"tfclient show --store {root} sess", COMP_CWORD="4"
    )

    assert WEATHER.encode() in done.stdout
