"""What the shells are offered."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.making import HOSTILE, WEATHER, a_store, hostile, weather
from tfclient.cli.app import app
from tfstore.document.documents import ToolSummary


def offered(shell: str, root: Path, *words: str) -> str:
    line = " ".join(["tfclient", *words])
    environ = {
        "_TFCLIENT_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
        "THOUGHTFLOW_DIR": str(root),
    }
    outcome = CliRunner().invoke(app, [], env=environ, prog_name="tfclient")
    assert "Traceback" not in outcome.output
    return outcome.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_ids_tools_and_models_are_offered_and_nothing_that_a_shell_obeys(shell: str, tmp_path: Path) -> None:
    bad = hostile()
    bad.summary.tools = {"$(touch owned)": ToolSummary(1), "`id`": ToolSummary(1), "a;b": ToolSummary(1)}
    root = a_store(tmp_path / "store", weather(), bad).paths.root

    ids, tools = offered(shell, root, "show", ""), offered(shell, root, "list", "--tool", "")
    models = offered(shell, root, "list", "--model", "")

    for each in ("last", WEATHER[-8:], HOSTILE[-8:]):
        assert each in ids
    assert "get_weather" in tools
    assert "gpt-4.1" in models
    assert not any(each in tools for each in ("touch", "`id`", "a;b"))


def test_without_a_store_nothing_is_said(tmp_path: Path) -> None:
    assert offered("bash", tmp_path / "none", "show", "").strip() == ""


@pytest.mark.parametrize("before", [("show", "last"), ("why", WEATHER[-8:]), ("show", WEATHER, "--prompt")])
def test_steps_of_the_session_that_was_typed_are_offered(before: tuple[str, ...], tmp_path: Path) -> None:
    root = a_store(tmp_path / "store", weather()).paths.root

    assert offered("bash", root, *before, "2.").split()[:2] == ["2.1", "2.2"]
    assert offered("bash", root, "show", "nothing", "2.").strip() == ""
