"""Every command of the tutorial runs, in its order, and says what the page says that it says.

Times, ids and dates differ each time; ``…`` alone on a line stands for lines that are left out.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.making import run

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
LEFT_OUT = "…"


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Return what is typed in the page's console blocks, and the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.strip():
                found[-1][1].append(line)
    return found


def salient(line: str) -> str:
    """Return a line without what is different each time."""
    line = re.sub(r"\b[0-9a-f]{8}\b", "ID", line)
    line = re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", line)
    line = re.sub(r"[━▁-█]+", "BAR", line)
    return " ".join(line.split())


def test_a_page_without_commands_would_be_noticed() -> None:
    typed = [command.split()[1] for command, _ in commands(PAGE.read_text(encoding="utf-8"))]

    assert {"demo", "list", "why", "show", "search", "stats", "diff"} <= set(typed)


def test_every_command_says_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    for command, lines in commands(PAGE.read_text(encoding="utf-8")):
        program, *arguments = shlex.split(command)
        outcome = run(*arguments)

        assert (program, outcome.code, outcome.err) == ("tfclient", 0, ""), command
        said = iter([salient(line) for line in outcome.out.splitlines()])
        for line in lines:
            if line != LEFT_OUT:
                assert salient(line) in said, f"{command!r} does not say {line!r} there"
