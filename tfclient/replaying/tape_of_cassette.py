"""A vcrpy cassette → its tape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfclient.errors import ReplayRefused
from tfclient.importing.as_entries import entries_of
from tfclient.importing.cassette import read_cassette
from tfclient.redaction import Redactor
from tfclient.replaying.tape import Tape
from tfclient.replaying.tape_of_entries import attempts_of

if TYPE_CHECKING:
    from pathlib import Path


def tape_of_cassette(path: Path) -> Tape:
    """Return the tape of a cassette; nothing in it is redacted but what is in headers and URLs.

    Raises:
        NotACassette: it cannot be read, or holds no interactions.
        ReplayRefused: it holds no exchange with an OpenAI API.
    """
    everything = Redactor.from_setting(None)
    entries = entries_of(read_cassette(path), everything, title=None, metadata={})
    attempts = attempts_of(entries)
    if not attempts:
        raise ReplayRefused(str(path), "it holds no exchange with an OpenAI API")
    return Tape(path.name, attempts, everything)
