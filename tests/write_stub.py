"""Writes ``tfclient/client.pyi``: the signatures of the installed openai, each with our keyword.

python -m tests.write_stub
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

import openai

import tfclient

STUB: Final = Path(tfclient.__file__).with_name("client.pyi")

PARENTS: Final = (
    *("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI"),
    *("BedrockOpenAI", "AsyncBedrockOpenAI"),
)

_HEAD: Final = """\
# The drop-in clients as type checkers see them: every parameter of the parent, and ours.
# Written by `python -m tests.write_stub`; `tests/typing` compares it, and checks a program against it.

from contextlib import AbstractContextManager
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, Self, TypeVar, overload

import httpx2
{imports}

from tfclient.capture.tools import ToolCall
from tfclient.recorder import Recorder
from tfclient.replaying.playback import Playback
from tfclient.sessions.handle import SessionHandle

_P = ParamSpec("_P")
_R = TypeVar("_R")

class _Traced:
    @property
    def recorder(self) -> Recorder: ...
    def session(
        self,
        *,
        title: str | None = ...,
        metadata: Mapping[str, Any] | None = ...,
        id: str | None = ...,  # noqa: A002
    ) -> SessionHandle: ...
    def end_session(self) -> SessionHandle | None: ...
    @overload
    def tool(self, function: Callable[_P, _R], /) -> Callable[_P, _R]: ...
    @overload
    def tool(self, /, *, name: str | None = ...) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
    def tool_call(self, item: object) -> ToolCall: ...
    def tool_diagnostics(self, diagnostic: Mapping[str, object]) -> None: ...
    def following(self, response: object) -> AbstractContextManager[None]: ...
"""


def stub() -> str:
    """Return what the stub of the installed openai is."""
    imports: defaultdict[str, set[str]] = defaultdict(set)
    classes = [_class(name, imports) for name in PARENTS]
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(imports.items())]
    text = "\n\n".join([_HEAD.format(imports="\n".join(lines)), *classes])
    for command in (["check", "--select", "I", "--fix-only", "--quiet"], ["format"]):
        text = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(STUB), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return text


def traced(parent: str) -> str:
    """Return what our class of a parent is called.

    Example:
        >>> traced("AsyncAzureOpenAI")
        'AsyncTracedAzureOpenAI'
    """
    return parent.replace("Async", "AsyncTraced") if parent.startswith("Async") else f"Traced{parent}"


def _class(parent: str, imports: defaultdict[str, set[str]]) -> str:
    imports["openai"].add(parent)
    source = Path(inspect.getfile(inspect.unwrap(getattr(openai, parent).__init__)))
    tree = ast.parse(source.read_text(encoding="utf-8"))
    (theirs,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == parent)
    lines = [f"class {traced(parent)}(_Traced, {parent}):"]
    used: set[str] = set()
    for name in ("__init__", "copy"):
        defined = [node for node in theirs.body if isinstance(node, ast.FunctionDef) and node.name == name]
        # With overloads, checkers see those and not what implements them.
        for method in defined[:-1] or defined:
            lines += ["    @overload"] * (len(defined) > 1) + [
                f"    def {name}(",
                "        self,",
                "        *,",
            ]
            for arg, default in zip(method.args.kwonlyargs, method.args.kw_defaults, strict=True):
                assert arg.annotation is not None
                used |= {node.id for node in ast.walk(arg.annotation) if isinstance(node, ast.Name)}
                annotation = " | ".join(sorted(_members(arg.annotation), key="None".__eq__))
                lines.append(f"        {arg.arg}: {annotation}{'' if default is None else ' = ...'},")
            assert method.returns is not None
            lines += [
                "        recorder: Recorder | None = ...,",
                "        replay: Playback | None = ...,",
                f"    ) -> {ast.unparse(method.returns)}: ...",
            ]
    lines.append("    with_options = copy")
    _find(used, tree, source, imports)
    return "\n".join(lines) + "\n"


def _members(annotation: ast.expr) -> list[str]:
    if isinstance(annotation, ast.BinOp):
        return _members(annotation.left) + _members(annotation.right)
    return [ast.unparse(annotation)]


def _find(used: set[str], tree: ast.Module, source: Path, imports: defaultdict[str, set[str]]) -> None:
    """Where the names come from: openai itself if it has them, else a module that it takes them from, or this one."""
    root = Path(openai.__file__).parent
    here = ["openai", *source.relative_to(root).with_suffix("").parts]
    homes = {
        alias.name: ".".join([*here[: -node.level], *([node.module] if node.module else [])])
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    homes |= {name: ".".join(here) for name in _defined(tree)}
    for name in used & homes.keys():
        imports["openai" if hasattr(openai, name) else homes[name]].add(name)


def _defined(tree: ast.Module) -> set[str]:
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    return classes | assigned


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
