"""A session that an exception ended says so wherever it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import run
from tfclient import Recorder

if TYPE_CHECKING:
    from pathlib import Path


def recorded(store: Path, error: BaseException) -> str:
    session = Recorder(store).session(title="An order")
    with pytest.raises(type(error)), session:
        raise error
    assert session.wait(60)
    return session.id


def test_it_is_said_wherever_the_session_is_told(tmp_path: Path) -> None:
    session_id = recorded(tmp_path, LookupError("no such\x1b[31m order"))
    why = run("why", session_id, "--store", tmp_path)
    assert "The session was left with LookupError: no such" in why.out
    assert "\x1b[31m order" not in why.out
    assert "in recorded" in why.out
    assert "Nothing failed" not in why.out
    assert "LookupError" in run("show", session_id, "--store", tmp_path).out
    assert "failed, LookupError" in run("list", "--store", tmp_path).out
    told = run("why", session_id, "--store", tmp_path, "--json").json
    assert (told["result"], told["program"]["type"]) == ("failed", "LookupError")


def test_an_exit_status_and_an_interrupt_in_words(tmp_path: Path) -> None:
    for error, words in (
        (SystemExit(3), "The session was left with exit status 3"),
        (KeyboardInterrupt(), "The session was left by an interrupt (SIGINT)"),
    ):
        session_id = recorded(tmp_path, error)
        assert words in run("why", session_id, "--store", tmp_path).out
