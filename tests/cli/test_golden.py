"""What a person sees, whole outputs at several widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from tests.cli.golden import OUTPUTS, golden
from tests.cli.making import run

if TYPE_CHECKING:
    from tfstore.store import Store


@pytest.mark.parametrize("name", OUTPUTS)
def test_output(store: Store, name: str) -> None:
    columns, arguments = OUTPUTS[name]

    outcome = run(*arguments, "--store", store.paths.root, columns=columns)

    assert outcome.code == 0
    assert outcome.out == golden(name).read_text(encoding="utf-8"), (
        "if this is meant: python -m tests.cli.golden, and review the difference"
    )


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_line_is_wider_than_the_terminal_or_ends_in_blanks(store: Store, name: str) -> None:
    columns, arguments = OUTPUTS[name]

    lines = run(*arguments, "--store", store.paths.root, columns=columns).out.splitlines()

    assert [line for line in lines if cell_len(line) > columns or line != line.rstrip()] == []
