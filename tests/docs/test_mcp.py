"""The page about the MCP server: what it says to configure starts, and its conversation is what the tools say."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.cli.test_tutorial import LEFT_OUT, salient

PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


def blocks_of(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return blocks_of(PAGE, language)


def test_what_is_configured_is_what_is_typed_and_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp import Client, StdioServerParameters

    (of_claude,) = (json.loads(each)["mcpServers"]["thoughtflow"] for each in blocks("json"))
    (of_codex,) = (tomllib.loads(each)["mcp_servers"]["thoughtflow"] for each in blocks("toml"))
    typed = [shlex.split(line) for each in blocks("console") for line in each.splitlines()]
    added = [line for line in typed if line[1:3] == ["mcp", "add"]]
    assert of_claude == of_codex == {"command": "tfclient", "args": ["mcp"]}
    assert [(line[0], line[3:]) for line in added] == [
        (agent, ["thoughtflow", "--", of_codex["command"], *of_codex["args"]])
        for agent in ("claude", "codex")
    ]

    program = shutil.which(of_codex["command"], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("tfclient is not installed beside this Python")
    monkeypatch.chdir(tmp_path)

    async def look() -> Any:
        started = StdioServerParameters(command=program, args=of_codex["args"], cwd=tmp_path)
        async with Client(started, read_timeout_seconds=60) as client:
            return await client.call_tool("list_sessions", {})

    assert "There is no store at " in anyio.run(look).content[0].text


def test_each_tool_has_a_row_with_its_arguments(tmp_path: Path) -> None:
    from tests.mcp.talking import talk

    async def look(client: Any) -> dict[str, set[str]]:
        tools = (await client.list_tools()).tools
        return {each.name: set(each.input_schema["properties"]) for each in tools}

    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert {name: set(re.findall(r"`(\w+)`", said)) for name, said in rows} == talk(tmp_path, look)


def test_the_conversation_is_what_the_tools_say(tmp_path: Path) -> None:
    from tests.cli.making import run
    from tests.mcp.talking import ask

    root = tmp_path / "store"
    assert run("demo", "--store", root, "--json").code == 0
    (conversation,) = blocks("text")
    calls = re.split(r"^> ", conversation, flags=re.MULTILINE)[1:]
    assert [each.partition("(")[0] for each in calls] == ["list_sessions", "read_session", "why", "search"]
    for each in calls:
        typed, *lines = each.rstrip().splitlines()
        call = ast.parse(typed, mode="eval").body
        assert isinstance(call, ast.Call)
        arguments = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        said = iter(
            [salient(line) for line in ask(root, ast.unparse(call.func), **arguments).text.splitlines()]
        )
        for line in lines:
            if line != LEFT_OUT:
                assert salient(line) in said, f"{typed!r} does not say {line!r} there"
