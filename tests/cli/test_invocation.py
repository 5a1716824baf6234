"""Commands that are named can be typed as they are, where the person stands."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tfclient.cli.invocation import as_typed


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name in an environment that the shell knows nothing of."""
    path = tmp_path / "my project" / ".venv" / "bin" / "tfclient"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_below_here_and_elsewhere(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program.parents[2])
    assert as_typed() == ".venv/bin/tfclient"
    monkeypatch.setattr(sys, "argv", [".venv/bin/tfclient"])
    assert as_typed() == ".venv/bin/tfclient"
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.chdir("/")
    assert shlex.split(as_typed()) == [str(program.relative_to("/"))]


def test_found_by_the_shell(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    assert as_typed() == "tfclient"


def test_another_of_that_name_is_not_meant(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin" / "tfclient"
    other.parent.mkdir()
    shutil.copy(program, other)
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.chdir(program.parents[2])
    assert as_typed() == ".venv/bin/tfclient"


def test_what_the_demo_names_next_works(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("tfclient")
    if not command.is_file():
        pytest.skip(f"there is no {command}")
    store = tmp_path / "a store"
    said = subprocess.run(  # noqa: S603 - our own command
        [str(command), "demo", "--store", str(store)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    named = re.findall(r"^  (\S.*?) +# ", said.partition("Next:")[2], re.MULTILINE)
    assert len(named) >= 3
    for each in named:
        if " view " in each:
            continue
        done = subprocess.run(  # noqa: S602 - as a person types it
            each, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
