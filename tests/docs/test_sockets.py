"""The examples of the page about sockets run."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "sockets.md"


def test_its_examples_run(tmp_path: Path) -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, globs={"STORE": str(tmp_path)})
    assert (failed, tried > 1) == (0, True)
