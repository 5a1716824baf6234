"""Typing promises: a user's program under two checkers, and our signatures against the installed parents'."""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

import tfclient

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "typing" / "drop_in.py"

needs_3 = pytest.mark.skipif(
    openai.__version__ < "3", reason="what is spelled out is the signature of openai 3"
)


BEDROCK = (
    [
        (tfclient.TracedBedrockOpenAI, openai.BedrockOpenAI),
        (tfclient.AsyncTracedBedrockOpenAI, openai.AsyncBedrockOpenAI),
    ]
    if hasattr(openai, "BedrockOpenAI")
    else []
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


def spelled_out() -> dict[str, dict[str, list[set[str]]]]:
    """The parameters in our stub, by class and method; one set for each overload."""
    stub = ast.parse(Path(tfclient.__file__).with_name("client.pyi").read_text(encoding="utf-8"))
    found: dict[str, dict[str, list[set[str]]]] = {}
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            methods = found.setdefault(node.name, {})
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    methods.setdefault(method.name, []).append({arg.arg for arg in method.args.kwonlyargs})
    return found


@needs_3
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (tfclient.TracedOpenAI, openai.OpenAI),
        (tfclient.AsyncTracedOpenAI, openai.AsyncOpenAI),
        (tfclient.TracedAzureOpenAI, openai.AzureOpenAI),
        (tfclient.AsyncTracedAzureOpenAI, openai.AsyncAzureOpenAI),
        *BEDROCK,
    ],
    ids=lambda cls: cls.__name__,
)
def test_what_is_spelled_out_is_what_is_installed(ours: type[Any], theirs: type[Any]) -> None:
    methods = spelled_out()[ours.__name__]
    source = ast.parse(Path(inspect.getfile(inspect.unwrap(theirs.__init__))).read_text())
    parent = next(
        node for node in source.body if isinstance(node, ast.ClassDef) and node.name == theirs.__name__
    )
    for name in ("__init__", "copy"):
        defined = [node for node in parent.body if isinstance(node, ast.FunctionDef) and node.name == name]
        # With overloads, checkers see those and not what implements them.
        seen = defined[:-1] or defined
        expected = [{arg.arg for arg in node.args.kwonlyargs} | {"recorder"} for node in seen]
        assert methods[name] == expected
