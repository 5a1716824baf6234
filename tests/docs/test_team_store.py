"""What the page of the team's store types is run, against a database."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest

from tests.cli.making import WEATHER, a_store, hostile, run, weather
from tests.postgres import ask
from tests.store.postgres.making import migrated, sync
from tfstore.postgres.address import Address

PAGE = Path(__file__).parents[2] / "docs" / "team-store.md"
TOLD = "postgresql://ada@db.example.com/team"


def blocks(language: str) -> list[str]:
    """The blocks of the page in a language, their indentation gone."""
    text = PAGE.read_text(encoding="utf-8")
    return [
        textwrap.dedent(each)
        for each in re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]


def test_every_command_runs(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a_store(tmp_path / ".thoughtflow", weather(), hostile())
    monkeypatch.chdir(tmp_path)
    served: list[str] = []
    monkeypatch.setattr("tfclient.view.serve", lambda store, *_, **__: served.append(store.where))
    lines = [shlex.split(line, comments=True) for each in blocks("console") for line in each.splitlines()]
    commands = [line[1:] for line in lines if line[:1] == ["tfclient"]]
    # What is deleted is pinned and unpinned before.
    commands.sort(key=lambda each: each[0] == "delete")
    assert len(commands) >= 8

    for command in commands:
        typed = [each.replace(TOLD, database) for each in command]
        typed = [{"URL": database, "ID": WEATHER}.get(each, each) for each in typed]
        ran = run(*typed, columns=300)
        assert (ran.code, ran.err if command[0] != "sync" else "") == (0, ""), command

    assert served == [Address.of(database).shown]
    assert {row["session_id"] for row in run("list", "--json", "--store", database).json} == {
        hostile().session_id
    }


def test_what_is_written_in_code_runs(tmp_path: Path, database: str) -> None:
    migrated(database)
    sync(a_store(tmp_path / "store", weather()), database)

    reading = [each for each in blocks("python") if f'open_store("{TOLD}' in each]
    assert reading
    for block in reading:
        exec(block.replace(TOLD, database), {})  # noqa: S102 - the page's own words
    (counted,) = [each for each in blocks("sql") if each.startswith("SELECT")]
    schema = Address.of(database).schema
    rows = ask(database, counted.replace("thoughtflow.", f"{schema}."))

    assert [name for name, _, _ in rows] == ["get_weather", "send_email"]


def test_the_tables_are_those_that_there_are(database: str) -> None:
    migrated(database)
    rows = re.findall(r"^\| (`[^|]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    there = ask(
        database,
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition",
    )

    assert {name for (name,) in there} - {"schema_version"} <= listed
