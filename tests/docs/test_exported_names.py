"""What ``tfclient`` exports: sorted, complete, and there; and what asking for none of it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import openai
import pytest

import tfclient

BEDROCK = {"AsyncTracedBedrockOpenAI", "TracedBedrockOpenAI"}


def test_all_is_sorted_and_complete() -> None:
    public = {*tfclient._HOMES, "open_store"}
    assert tfclient.__all__ == sorted(public if hasattr(openai, "BedrockOpenAI") else public - BEDROCK)


def test_everything_can_be_imported_at_once() -> None:
    names: dict[str, object] = {}
    exec("from tfclient import *", names)  # noqa: S102 - a program's own line
    assert names.keys() - {"__builtins__"} == set(tfclient.__all__)


def test_what_checkers_are_told_is_what_there_is() -> None:
    tree = ast.parse(Path(tfclient.__file__).read_text(encoding="utf-8"))
    (told,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    assert ast.literal_eval(told) == sorted({*tfclient.__all__, *BEDROCK})


@pytest.mark.parametrize("name", tfclient.__all__)
def test_each_name_is_there(name: str) -> None:
    assert getattr(tfclient, name).__name__ == name
    assert name in dir(tfclient)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TracedClosedAI'"):
        tfclient.TracedClosedAI  # type: ignore[attr-defined]  # noqa: B018


def test_reading_a_store_imports_no_client() -> None:
    script = "import sys, tfclient, tfclient.opening; sys.exit('openai' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", script]) == 0  # noqa: S603  # our own words
