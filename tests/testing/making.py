"""An agent, its test, and how both are run: as somebody's project has them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.server.replies import Call, answer, calls
from tests.server.scripted import ScriptedServer
from tfclient.finishing.needed import NEEDED

# Each run inside a test takes away again what was imported in it, also from the thread that writes documents.
for each in (
    *NEEDED,
    "yaml",
    "tfclient.client",
    "tfclient.importing.cassette",
    "tfclient.installing",
    "tfclient.testing.taped",
    "tfclient.testing.live_block",
):
    import_module(each)

AGENT = """
    import os
    from tfclient import TracedOpenAI

    client = TracedOpenAI(max_retries=0, api_key=os.environ.get("OPENAI_API_KEY", "replay"))

    def ask(question):
        items = [{"role": "user", "content": question}]
        while True:
            reply = client.responses.create(model="gpt-5.4-mini", input=items)
            asked = [each for each in reply.output if each.type == "function_call"]
            if not asked:
                return reply.output_text
            for each in asked:
                items += [each.model_dump(exclude_none=True), {
                    "type": "function_call_output", "call_id": each.call_id, "output": "7 degrees in " + CITY,
                }]

    CITY = "Oslo"
"""
ONE = """
    import pytest
    import agent

    def test_weather(thoughtflow):
        answer = agent.ask("Weather in Oslo?")
        session = thoughtflow.session
        session.assert_called_tool("get_weather", {"city": "Oslo"}, times=1)
        assert session.runs[0].answer == answer == "7 degrees."
        assert session.runs[0].prompt == "Weather in Oslo?"
        assert not session.tool_errors
"""
CASSETTE = Path("cassettes", "test_one", "test_weather.yaml")


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:xdist", *arguments)


def weather(server: ScriptedServer) -> None:
    server.script(calls(Call("get_weather", {"city": "Oslo"}, call_id="call_1")), answer("7 degrees."))
