"""What a session is pinned for: written at once, read whatever somebody left behind, gone with the session."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.store.making import a_session
from tfstore.errors import InvalidNote, SessionPinned, StoreUnusable, UnknownSession
from tfstore.keeping.deleting import delete
from tfstore.keeping.pruning import chosen, remove
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pinned(tmp_path: Path) -> Store:
    """Two sessions, both pinned, one of them for two incidents."""
    store = Store(tmp_path / "flow", create=True, keep=lambda text, _where, _mode: (text, []))
    for name in ("one", "two", "free"):
        store.put(a_session(name, result="completed", ended_at="2026-09-02T09:15:00.000Z"))
    store.pin("one", "outage", "the first one")
    store.pin("two", "outage")
    store.pin("two", " slow ")
    return store


def _told(store: Store) -> dict[str, list[tuple[str, str]]]:
    return {name: [(each.incident, each.note) for each in pins] for name, pins in store.pins().items()}


def test_a_session_is_pinned_for_several_and_let_go_of_one_or_of_all(pinned: Store) -> None:
    assert _told(pinned) == {"one": [("outage", "the first one")], "two": [("outage", ""), ("slow", "")]}
    pinned.pin("one", "outage", "it was the second")

    assert pinned.unpin("two", "slow")
    assert not pinned.unpin("two", "slow")
    assert _told(pinned) == {"one": [("outage", "it was the second")], "two": [("outage", "")]}
    assert pinned.unpin("one")
    assert not pinned.unpin("one")
    assert _told(pinned) == {"two": [("outage", "")]}
    assert pinned.paths.incidents.stat().st_mode & 0o777 == 0o600


def test_what_is_pinned_is_not_pruned_until_it_is_let_go(pinned: Store) -> None:
    for found in (chosen(pinned, older_than=timedelta(0)), chosen(pinned, max_size=1)):
        assert [each.session_id for each in found] == ["free"]
    candidates = chosen(pinned, older_than=timedelta(0))
    pinned.pin("free", "meanwhile")
    assert list(remove(pinned, candidates).problems) == ["free"]

    pinned.unpin("one")

    assert remove(pinned, chosen(pinned, older_than=timedelta(0))).deleted == ["one"]
    assert pinned.ids() == ["free", "two"]


def test_what_is_pinned_is_deleted_only_if_that_is_said_and_then_nothing_names_it(pinned: Store) -> None:
    refused = delete(pinned, ["one", "free"])
    assert refused.deleted == ["free"]
    assert isinstance(refused.problems["one"], SessionPinned)
    assert "pinned for outage and stays: `tfclient unpin one` lets it go" in str(refused.problems["one"])

    assert delete(pinned, ["one"], pinned=True).deleted == ["one"]

    assert _told(pinned) == {"two": [("outage", ""), ("slow", "")]}
    assert b'"one"' not in pinned.paths.incidents.read_bytes()


def test_a_line_without_its_end_is_read_past_and_closed_by_the_next(pinned: Store) -> None:
    whole = pinned.paths.incidents.read_bytes()
    torn = b'{"session_id":"free","pinned":"2026","incident":"x"}'
    pinned.paths.incidents.write_bytes(b"no JSON\n[]\n" + whole + torn[:-1])
    assert sorted(pinned.pins()) == ["one", "two"]

    pinned.pin("free", "later")

    assert {name: len(pins) for name, pins in pinned.pins().items()} == {"one": 1, "two": 2, "free": 1}
    assert pinned.paths.incidents.read_bytes().startswith(b"no JSON\n[]\n" + whole + torn[:-1] + b"\n{")


def test_what_cannot_be_read_lets_nothing_be_pruned(pinned: Store) -> None:
    pinned.paths.incidents.unlink()
    pinned.paths.incidents.mkdir()

    with pytest.raises(StoreUnusable, match=r"incidents\.jsonl cannot be read"):
        chosen(pinned, older_than=timedelta(0))


def test_what_cannot_be_kept_is_refused(pinned: Store) -> None:
    for incident in ("", "  ", "two\nlines", "x" * 101):
        with pytest.raises(InvalidNote, match="a name on one line"):
            pinned.pin("one", incident)
    with pytest.raises(InvalidNote, match="at most 10,000 characters"):
        pinned.pin("one", "x", "y" * 10_001)
    with pytest.raises(UnknownSession):
        pinned.pin("nobody", "x")
    with pytest.raises(StoreUnusable, match="what keeps secrets out"):
        Store(pinned.paths.root).pin("one", "x")
