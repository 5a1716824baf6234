"""What ``tfclient`` exports: sorted, complete, and there; and what asking for none of it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import openai
import pytest

import tfclient

EXPORTED: list[str] = vars(tfclient)["__getattr__"]("__all__")
BEDROCK = {"AsyncTracedBedrockOpenAI", "TracedBedrockOpenAI"}


def test_all_is_sorted_and_complete() -> None:
    public = {*tfclient._HOMES, "open_store"}
    assert sorted(public if hasattr(openai, "BedrockOpenAI") else public - BEDROCK) == EXPORTED


def test_everything_can_be_imported_at_once() -> None:
    names: dict[str, object] = {}
    exec("from tfclient import *", names)  # noqa: S102 - a program's own line
    assert names.keys() - {"__builtins__"} == set(EXPORTED)


def test_what_checkers_are_told_is_what_there_is() -> None:
    tree = ast.parse(Path(tfclient.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert {"open_store", *imported} == {*EXPORTED, *BEDROCK}


@pytest.mark.parametrize("name", EXPORTED)
def test_each_name_is_there(name: str) -> None:
    assert getattr(tfclient, name).__name__ == name
    assert name in dir(tfclient)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TracedClosedAI'"):
        tfclient.TracedClosedAI  # type: ignore[attr-defined]  # noqa: B018


def test_reading_a_store_imports_no_client_and_no_driver_of_databases() -> None:
    script = "import sys, tfclient, tfclient.opening; sys.exit(bool({'openai', 'psycopg'} & {*sys.modules}))"
    assert subprocess.call([sys.executable, "-c", script]) == 0  # noqa: S603  # our own words
