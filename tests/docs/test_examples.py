"""Every example in a docstring runs and says what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import tfclient
import tfd2
import tfstore

MODULES = [
    module.name
    for package in (tfstore, tfd2, tfclient)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]


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
