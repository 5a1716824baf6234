"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import tfd2

MODULES = [module.name for module in pkgutil.iter_modules(tfd2.__path__, "tfd2.")]


@pytest.mark.parametrize("name", ["tfd2", *MODULES])
def test_the_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
