"""Typing promises: a user's program under two checkers, and our signatures against the installed parents'."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from tests.write_stub import STUB, stub

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "typing" / "drop_in.py"

needs_3 = pytest.mark.skipif(
    openai.__version__ < "3", reason="what is spelled out is the signature of openai 3"
)


def run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=300)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


@needs_3
@pytest.mark.timeout(300)
def test_mypy_sees_what_the_sdk_promises() -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    run(sys.executable, "-m", "mypy", "--strict", str(PROGRAM))


@needs_3
@pytest.mark.timeout(300)
def test_pyright_sees_what_the_sdk_promises() -> None:
    pyright = shutil.which("pyright", path=Path(sys.executable).parent)
    if pyright is None:
        pytest.skip("pyright is not installed")
    run(pyright, "--pythonpath", sys.executable, str(PROGRAM))


@needs_3
def test_the_stub_is_that_of_the_installed_openai() -> None:
    assert STUB.read_text(encoding="utf-8") == stub(), (
        "run `python -m tests.write_stub` and look at what is new"
    )
