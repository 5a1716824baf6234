"""A vcrpy cassette → its tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfclient.errors import ReplayRefused
from tfclient.importing.as_entries import entries_of
from tfclient.importing.cassette import whole_cassette
from tfclient.redaction import Redactor
from tfclient.replaying.sockets.of_entries import connections_of, told_of
from tfclient.replaying.tape import Tape
from tfclient.replaying.tape_of_entries import attempts_of

if TYPE_CHECKING:
    from pathlib import Path


def tape_of_cassette(path: Path) -> Tape:
    """Return the tape of a cassette; nothing of it is redacted here but what is in headers and URLs.

    Where its requests hold placeholders, whoever wrote it had replaced secrets: so they are in what is asked, too.

    Raises:
        NotACassette: it cannot be read, or holds no interactions.
        ReplayRefused: it holds no exchange with an OpenAI API.
    """
    everything = Redactor.from_setting(None)
    whole = whole_cassette(path)
    entries = [*entries_of(whole.interactions, everything, title=None, metadata={}), *whole.sockets]
    attempts = attempts_of(entries)
    sockets = connections_of(entries, attempts)
    if not attempts and not sockets:
        raise ReplayRefused(str(path), "it holds no exchange with an OpenAI API")
    replaced = any(b"<redacted:" in each.request_body for each in whole.interactions)
    replaced = replaced or any("<redacted:" in str(_sent(each)) for each in whole.sockets)
    redactor = Redactor.from_setting("secrets") if replaced else everything
    return Tape(path.name, attempts, redactor, steps=told_of(sockets), sockets=sockets)


def _sent(line: dict[str, Any]) -> Any:
    """Return what a line says that the program sent."""
    return line.get("data") if line.get("dir") == "out" else line.get("body")
