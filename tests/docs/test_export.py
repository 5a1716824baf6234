"""Every command of the pages on export and on costs runs; the pages name what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.making import a_store, run, weather
from tests.otlp.receiver import Receiver
from tfclient.cli.commands.sharing.export import Form

DOCS = Path(__file__).parents[2] / "docs"


def typed(page: str) -> list[list[str]]:
    """Return what is typed in a page's console blocks."""
    blocks = re.findall(
        r"^```console\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.mark.parametrize("page", ["export.md", "cost.md"])
def test_every_command_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_store(tmp_path / ".thoughtflow", weather())
    table = re.findall(
        r"^```json\n(.*?)^```", (DOCS / "cost.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "prices.json").write_text(table[0], encoding="utf-8")
    commands = typed(page)
    assert len(commands) > 6

    with Receiver() as receiver:
        for command in commands:
            # What is recorded there is older than two hours, or a week.
            arguments = [
                receiver.url if each == "$URL" else "5000w" if each in {"2h", "7d"} else each
                for each in command
            ]
            assert run(*arguments).code == 0, command
            for path in tmp_path.glob("sess_*.otlp.jsonl"):
                path.unlink()
        assert bool(receiver.got) == (page == "export.md")


def test_every_form_is_told() -> None:
    told = (DOCS / "export.md").read_text(encoding="utf-8")

    assert [each for each in Form if each != "vcr" and f"export {each} " not in told] == []
