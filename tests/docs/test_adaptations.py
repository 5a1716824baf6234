"""The page about adaptations: its commands are the command's, its block and its table are what is given and told."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.making import run
from tests.docs.test_mcp import blocks_of
from tests.reflect.adaptations.making import BASE, TEXT, confirmed, paying_session
from tests.reflect.lessons.making import a_store, paying
from tfclient.reflect import adaptations_for
from tfstore.document.adaptation_rows import STATUSES

PAGE = Path(__file__).parents[2] / "docs" / "adaptations.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")

NAME = "A-bf9deed8"


def test_its_commands_work_in_their_order(tmp_path: Path) -> None:
    root = a_store(tmp_path / "store", paying(1)).paths.root
    lines = [line.partition("#  ")[0] for line in blocks_of(PAGE, "console")[0].splitlines()]
    for line in lines:
        program, *typed = shlex.split(line.partition("  #")[0])
        yes = ["--yes"] if "confirm" in typed else []
        outcome = run(*typed, *yes, "--store", root)
        # Whoever confirmed it does not reject it: the page says what there is, not a story.
        assert (program, outcome.code) == ("tfclient", 2 if "reject" in typed else 0), (line, outcome.err)
        assert NAME in outcome.out + outcome.err
    assert [shlex.split(line)[2] for line in lines] == [
        *("propose", "list", "show", "confirm", "reject", "effect", "keep"),
    ]


def test_each_status_has_a_row() -> None:
    named = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    words = {word for row in named for word in re.findall(r"`(\w+)`", row)}

    assert set(STATUSES) <= words


def test_what_is_given_and_told_is_what_the_page_shows(tmp_path: Path) -> None:
    block, table = blocks_of(PAGE, "text")
    store = a_store(tmp_path / "store", paying(27))
    confirmed(store, TEXT, title="Add up first", because=["last#1.5"], tools=["pay"])
    given = adaptations_for(store, ["pay"]).text
    assert given == block.rstrip().replace(NAME, re.findall(r"A-\w+", given)[0])

    for number in range(23):
        mine = number >= 12
        store.put(
            paying_session(
                number + (2 if mine else 0),
                instructions=f"{BASE}\n{given}" if mine else BASE,
                error=number < 10 or number == 12,
            )
        )
    name = re.findall(r"A-\w+", given)[0]
    run("adapt", "effect", name, "--store", store.paths.root)
    told = run("adapt", "effect", name, "--store", store.paths.root).out.splitlines()[
        : len(table.splitlines())
    ]
    assert told == table.replace(NAME, name).splitlines()
