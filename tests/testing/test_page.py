"""What docs/testing.md shows is what happens."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.server.scripted import ScriptedServer
from tests.testing.making import run, weather

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def python(title: str) -> str:
    """The block of Python that begins with this."""
    (found,) = [each for each in blocks("python") if each.startswith(title)]
    return found


def commands() -> list[list[str]]:
    """The arguments of each pytest command on the page, in order."""
    lines = [line.partition("#")[0] for block in blocks("console") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("pytest ") or line.strip() == "pytest"]


def test_from_the_first_recorded_test_to_ci(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's own agent and test, by the page's own commands; with a key for the first of them only."""
    for other in project.path.glob("*.py"):
        other.unlink()
    files = {name: python(f"# {name}.py\n") for name in ("agent", "test_agent", "conftest")}
    project.makepyfile(**files)
    project.makeini(blocks("ini")[0] + "addopts = -p no:cacheprovider\n")
    weather(server)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    recording, *playing = commands()
    run(project, *recording).assert_outcomes(passed=1)
    assert len(playing) > 1
    for each in playing:
        monkeypatch.delenv("OPENAI_API_KEY")
        # In this process: xdist has a test of its own.
        run(project, *each[2:] if each[:1] == ["-n"] else each).assert_outcomes(passed=1)
    assert len(server.requests) == 2


def test_the_markers(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    project.makeini("[pytest]\naddopts = -p no:cacheprovider --strict-markers")
    for number, marker in enumerate(python("@pytest").splitlines()):
        weather(server)
        made = f"import agent\nimport pytest\n\n{marker}\ndef test_{number}(thoughtflow):\n    agent.ask('Oslo?')\n"
        path = project.makepyfile(**{f"test_{number}": made})
        run(project, "--tf-record=all", path.name).assert_outcomes(passed=1)
    names: Any = {each.relative_to(project.path).as_posix() for each in project.path.rglob("*.yaml")}
    assert names == {"cassettes/test_0/test_0.yaml", "shared/weather.yaml"}


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--tf-[a-z-]+", PAGE))))
def test_each_option_is_one(project: pytest.Pytester, option: str) -> None:
    run(project, "--help").stdout.fnmatch_lines([f"*{option}*"])
