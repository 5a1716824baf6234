"""What ``--help`` says of each command is what its docstring says, in whole paragraphs."""

from __future__ import annotations

import inspect
import re

import pytest

from tests.cli.making import run
from tfclient.cli.app import _COMMANDS


@pytest.mark.parametrize("name", _COMMANDS)
def test_the_help_is_the_docstring_in_whole_paragraphs(name: str) -> None:
    paragraphs = (inspect.getdoc(_COMMANDS[name]) or "").split("\n\n")

    told = [line.strip() for line in run(name, "--help", columns=2000).out.splitlines()]

    for paragraph in paragraphs:
        assert re.sub(r"\s+", " ", paragraph) in told
