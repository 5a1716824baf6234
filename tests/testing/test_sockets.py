"""A test of what goes over sockets: recorded once, then played without a socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.capture.sockets.test_responses import answered
from tests.no_sockets import OF_A_PROJECT
from tests.server.sockets import Got, SocketServer
from tests.testing.making import run

AGENT = """
    import os
    from tfclient import TracedOpenAI

    client = TracedOpenAI(max_retries=0, api_key=os.environ.get("OPENAI_API_KEY", "replay"))

    def speak(text, output):
        with client.realtime.connect(model="gpt-realtime") as connection:
            assert connection.recv().type == "session.created"
            connection.session.update(session={"type": "realtime", "instructions": text})
            item = {"type": "function_call_output", "call_id": "call_1", "output": output}
            connection.conversation.item.create(item=item)
            return connection.recv().type

    def ask(text):
        with client.responses.connect() as connection:
            connection.response.create(model="gpt-5.4-mini", input=text)
            for event in connection:
                if event.type == "response.completed":
                    return event.response.output_text
"""
ONE = """
    import agent

    def test_both(thoughtflow):
        assert agent.speak("Be brief.", "rain") == "response.done"
        assert agent.ask("Hi") == "Answer 1"
        assert thoughtflow.session.answer == "Answer 1"
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """A folder with a test whose cassette is recorded; there is no key any more, and no socket."""
    with SocketServer() as server:
        hello = {"type": "session.created", "session": {"type": "realtime", "model": "gpt-realtime"}}
        done = {"type": "response.done", "response": {"id": "resp_9", "output": []}}
        server.script(hello, Got(), Got(), done)
        server.script(Got(), *answered(1))
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghij0123456789")
        monkeypatch.syspath_prepend(pytester.path)
        pytester.makepyfile(agent=AGENT, test_one=ONE)
        pytester.makeini(
            "[pytest]\naddopts = -p no:cacheprovider\nfilterwarnings = ignore::DeprecationWarning"
        )
        run(pytester, "--tf-record=once").assert_outcomes(passed=1)
        monkeypatch.delenv("OPENAI_API_KEY")
        pytester.makeconftest(OF_A_PROJECT)
        yield pytester


def test_recorded_once_and_played_without_key_and_socket(project: pytest.Pytester) -> None:
    text = (project.path / "cassettes" / "test_one" / "test_both.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    assert content["interactions"] == []
    kinds = [each["kind"] for each in content["tfclient"]["sockets"] if each["type"] == "socket.opened"]
    assert kinds == ["realtime", "responses"]
    assert "sk-proj" not in text
    run(project).assert_outcomes(passed=1)
    # It is still played by those who would record what is missing, and it is not too old.
    run(project, "--tf-record=new_episodes", "--tf-max-age=1d").assert_outcomes(passed=1)
    assert (project.path / "cassettes" / "test_one" / "test_both.yaml").read_text(encoding="utf-8") == text


def test_another_tool_output_fails_with_what_differs_and_what_records_it(project: pytest.Pytester) -> None:
    project.makepyfile(test_one=ONE.replace('"rain"', '"sun"'))
    result = run(project)
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "*No recorded answer to a message over a WebSocket at /v1/realtime. The nearest that is left*",
            "*item.output*",
            '*- "rain"*',
            '*+ "sun"*',
            "*`pytest test_one.py::test_both --tf-record=rewrite` records it anew: a WebSocket cannot go live in its*",
        ]
    )


def test_what_is_never_read_or_sent_fails(project: pytest.Pytester) -> None:
    project.makepyfile(agent=AGENT.replace("return connection.recv().type", 'return "response.done"'))
    result = run(project)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 message that came over a WebSocket was never read: response.done.*"])
    project.makepyfile(
        agent=AGENT, test_one=ONE.replace('        assert agent.speak("Be brief.", "rain")', "        #")
    )
    result = run(project)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*3 of 5 recorded requests were never made*"])
