"""Projects of somebody who tests an agent: with nothing recorded yet, and recorded."""

from __future__ import annotations

import pytest

from tests.no_sockets import OF_A_PROJECT
from tests.server.scripted import ScriptedServer
from tests.testing.making import AGENT, ONE, run, weather


@pytest.fixture
def project(
    pytester: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A folder with an agent and its test; nothing is recorded yet."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.syspath_prepend(pytester.path)
    pytester.makepyfile(agent=AGENT, test_one=ONE)
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider")
    return pytester


@pytest.fixture
def recorded(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """The same, recorded; there is no key any more, and a test that opens a socket fails."""
    weather(server)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghij0123456789")
    run(project, "--tf-record=once").assert_outcomes(passed=1)
    monkeypatch.delenv("OPENAI_API_KEY")
    project.makeconftest(OF_A_PROJECT)
    return project
