"""The programs of `docs/frameworks.md`, as they stand there: what they print, and what is recorded of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.conftest import FRAMEWORKS, installed
from tests.server.replies import Call, Reply, answer, calls
from tests.server.scripted import ScriptedServer, Seen
from tfclient import open_store
from tfstore.document.documents import Session

PAGE = (Path(__file__).parents[2] / "docs" / "frameworks.md").read_text(encoding="utf-8")
HERE = [each for each in FRAMEWORKS if installed(each)]


def program(framework: str) -> str:
    """Return what the page has of a framework."""
    (found,) = re.findall(
        rf"^## {re.escape(framework)}\n+```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    )
    return str(found)


def bridge(framework: str) -> str:
    """Return what the page has of a framework's bridge."""
    found = re.findall(rf"^\*\*{framework}\*\*.*?```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found[0])


def a_model(seen: Seen) -> Reply:
    """Answer as a model would that has been asked for the weather."""
    asked = seen.json
    if "## next_tool_name ##" in json.dumps(asked) or "## answer ##" in json.dumps(asked):
        return fields(json.dumps(asked["messages"][-1]))
    offered = {tool.get("name") or tool["function"]["name"] for tool in asked.get("tools") or []}
    if "12 degrees in Bergen" in json.dumps(asked):
        if "final_answer" in offered:
            return calls(Call("final_answer", {"answer": "It is 12 degrees in Bergen."}, "call_2"))
        return answer("It is 12 degrees in Bergen.")
    if "Weather" in offered:
        return calls(Call("Weather", {"city": "Bergen", "degrees": 12}, "call_1"))
    return calls(Call("get_weather", {"city": "Bergen"}, "call_1"))


def fields(asked: str) -> Reply:
    """Answer as a model would that was asked for fields, as DSPy asks for them."""
    if "starting with the field `[[ ## next_thought ## ]]`" not in asked:
        said = {"reasoning": "The tool said so.", "answer": "It is 12 degrees in Bergen."}
    elif "12 degrees in Bergen" in asked:
        said = {
            "next_thought": "The tool has told me the weather.",
            "next_tool_name": "finish",
            "next_tool_args": "{}",
        }
    else:
        said = {
            "next_thought": "I have to look up the weather in Bergen.",
            "next_tool_name": "get_weather",
            "next_tool_args": '{"city": "Bergen"}',
        }
    return answer(
        "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in said.items()) + "[[ ## completed ## ]]"
    )


def start(*arguments: str, server: ScriptedServer, store: Path) -> str:
    """Run Python; give what it printed."""
    server.always(a_model)
    more = {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_BASE": server.url,
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_AGENTS_DISABLE_TRACING": os.environ.get("OPENAI_AGENTS_DISABLE_TRACING", "1"),
        "THOUGHTFLOW_DIR": str(store),
    }
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, *arguments],
        capture_output=True,
        check=False,
        timeout=100,
        text=True,
        env={**os.environ, **more},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def the_session(store: Path) -> Session:
    """Return the one session of a store."""
    opened = open_store(store)
    (session,) = opened.ids()
    return opened.get(session)


@pytest.mark.parametrize("framework", HERE)
def test_the_program_on_the_page(
    framework: str, server: ScriptedServer, own_environment: Path, tmp_path: Path
) -> None:
    path = tmp_path / "program.py"
    path.write_text(program(framework), encoding="utf-8")
    said = start(str(path), server=server, store=own_environment)
    session = the_session(own_environment)
    assert "12" in said
    assert "Bergen" in said
    assert session.title == "Ann"
    steps = [step for each in session.runs for step in each.steps]
    prompt = next(step for step in steps if step.label == "user_message")
    assert "What is the weather in Bergen?" in json.dumps(prompt.payload_started)
    if framework == "DSPy":
        # Its tools are words in a prompt.
        assert (session.result, session.summary.model_calls, session.summary.tool_calls) == (
            "completed",
            3,
            0,
        )
        prompts = [step for step in steps if step.label == "user_message"]
        assert "12 degrees in Bergen" in json.dumps(prompts[1].payload_started)
    else:
        call = next(step for step in steps if step.label == "tool_call")
        assert call.call_id == "call_1"
        arguments: Any = call.payload_started["arguments"]
        assert (arguments if isinstance(arguments, dict) else json.loads(arguments))["city"] == "Bergen"
    assert session.summary.model_calls == len(server.requests)
    if framework in {"openai-agents", "pydantic-ai", "LangChain", "litellm", "autogen"}:
        assert (session.result, len(session.runs)) == ("completed", 1)
        assert [step.label for step in steps].count("tool_output") == 1


@pytest.mark.parametrize("framework", HERE)
def test_the_same_program_without_us(
    framework: str, server: ScriptedServer, own_environment: Path, tmp_path: Path
) -> None:
    code = re.sub(
        r"^import tfclient\n+recorder = tfclient.install\(\)\n", "", program(framework), flags=re.MULTILINE
    )
    code = code.replace('with recorder.session(title="Ann"):', "if True:")
    assert "tfclient" not in code
    path = tmp_path / "program.py"
    path.write_text(code, encoding="utf-8")
    with ScriptedServer() as plain:
        expected = start(str(path), server=plain, store=tmp_path / "none")
    main = "from tfclient.cli import main; main()"
    said = start("-c", main, "run", str(path), server=server, store=own_environment)
    took = re.compile(r"[\d.]+ seconds")  # smolagents says how long each step took
    assert took.sub("", said) == took.sub("", expected)
    assert [(each.path, each.body) for each in server.requests] == [
        (each.path, each.body) for each in plain.requests
    ]
    assert the_session(own_environment).summary.model_calls == len(server.requests)


@pytest.mark.parametrize("framework", [each for each in ("openai-agents", "pydantic-ai") if each in HERE])
def test_the_bridge_on_the_page(
    framework: str,
    server: ScriptedServer,
    own_environment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "0")
    code = bridge(framework).replace("    return f", "    import time; time.sleep(0.2)\n    return f")
    path = tmp_path / "program.py"
    path.write_text(code, encoding="utf-8")
    assert "It is 12 degrees in Bergen." in start(str(path), server=server, store=own_environment)
    session = the_session(own_environment)
    (run,) = session.runs
    assert session.result == "completed"
    (call,) = [step for step in run.steps if step.label == "tool_call"]
    assert call.timing == "measured"
    assert (call.duration_ms or 0) >= 200
    assert [step.agent_name for step in run.steps if step.label == "assistant_call"] == ["Weather", "Weather"]
    if framework == "openai-agents":
        assert (session.session_id, session.title, session.metadata["user"]) == ("chat-1", "Ann", "ann")
