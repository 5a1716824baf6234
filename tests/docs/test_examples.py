"""Every example in a docstring, and in the pages that hold examples, runs and says what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import tfclient
import tfd2
import tfstore

ROOT = Path(__file__).parents[2]

MODULES = [
    module.name
    for package in (tfstore, tfd2, tfclient)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]

PAGES = [path for path in (ROOT / "docs").glob("*.md") if ">>> " in path.read_text(encoding="utf-8")]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples may write; let them do it where nobody minds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THOUGHTFLOW_DIR", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "not-needed")


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_examples(page: Path) -> None:
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 0
    assert failed == 0
