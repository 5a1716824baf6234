"""``tfclient mcp`` as an agent starts it: a process of its own, whose stdout is the protocol's alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.cli.making import WEATHER, run
from tests.mcp.test_server import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

MAIN = ["-c", "from tfclient.cli import main; main()", "mcp"]


def test_a_client_talks_to_it_over_stdio(root: Path) -> None:
    async def look() -> tuple[list[str], Any]:
        started = StdioServerParameters(command=sys.executable, args=[*MAIN, "--store", str(root)])
        async with Client(started, read_timeout_seconds=60) as client:
            names = [each.name for each in (await client.list_tools()).tools]
            return names, await client.call_tool("read_session", {"session": WEATHER})

    names, result = anyio.run(look)

    assert tuple(names) == TOOLS
    assert result.content[0].text.startswith(f"SESSION {WEATHER} failed")


def test_nothing_but_the_protocol_is_on_stdout_and_it_ends_with_its_client(root: Path) -> None:
    (root / "sessions" / f"{WEATHER}.json").write_text("{", encoding="utf-8")
    about = {"name": "test", "version": "1"}
    said: list[dict[str, Any]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about},
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "list_sessions", "arguments": {}}},
        {"id": 3, "method": "tools/call", "params": {"name": "read_session", "arguments": {"session": "no"}}},
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **each}) + "\n" for each in said)
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, *MAIN, "--store", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(lines)
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(3)]
        rest, _ = server.communicate(timeout=60)

    assert rest == ""
    assert server.returncode == 0
    assert sorted(each["id"] for each in answers) == [1, 2, 3]
    by_id = {each["id"]: each["result"] for each in answers}
    assert by_id[1]["serverInfo"]["name"] == "thoughtflow"
    assert (by_id[2].get("isError", False), by_id[3]["isError"]) == (False, True)


def test_without_the_extra_one_sentence_says_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        each for each in sys.modules if each.partition(".")[0] == "mcp" or each == "tfclient.mcp.server"
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    outcome = run("mcp", "--store", root)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1
    assert "pip install 'tfclient[mcp]'" in outcome.err


def test_a_path_that_can_be_no_store_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    outcome = run("mcp", "--store", tmp_path / "file")

    assert (outcome.code, outcome.out) == (1, "")
    assert "it is a file where a folder is needed" in outcome.err


def test_whoever_uses_no_server_imports_none() -> None:
    script = "import sys, tfclient.cli.app; sys.exit('mcp' in sys.modules or 'tfclient.mcp' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", script]) == 0  # noqa: S603 - our own words
