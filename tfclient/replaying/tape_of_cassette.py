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
    """Return the tape of a cassette; nothing of it is redacted here but what is in headers and URLs.

    Where its requests hold placeholders, whoever wrote it had replaced secrets: so they are in what is asked, too.

    Raises:
        NotACassette: it cannot be read, or holds no interactions.
        ReplayRefused: it holds no exchange with an OpenAI API.
    """
    everything = Redactor.from_setting(None)
    interactions = read_cassette(path)
    entries = entries_of(interactions, everything, title=None, metadata={})
    attempts = attempts_of(entries)
    if not attempts:
        raise ReplayRefused(str(path), "it holds no exchange with an OpenAI API")
    replaced = any(b"<redacted:" in each.request_body for each in interactions)
    return Tape(path.name, attempts, Redactor.from_setting("secrets") if replaced else everything)
