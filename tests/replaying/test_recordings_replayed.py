"""Recorded traffic of many projects, imported, then played through the real clients: the same documents, digests too.

TFCLIENT_LONG_TESTS=1 plays all of it.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.capture.driver import HTTP
from tests.replaying.playing_back import (
    comparable,
    hosts_of,
    of_any_client,
    play_async,
    play_sync,
    with_small_hosts,
)
from tfclient import Recorder
from tfclient.importing.cassettes import import_cassettes
from tfclient.replaying.tape_of_session import tape_of_session
from tfstore.store import Store

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"

LONG = os.environ.get("TFCLIENT_LONG_TESTS") == "1"

EVERY = 1 if LONG else 40
"""Of so many recordings one is played, sync and async; all of them where there is time."""

LARGEST = 10**9 if LONG else 200_000


def chosen() -> list[Path]:
    index = RECORDINGS / "index.jsonl"
    if not index.exists():
        return []
    rows = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["format"] == "vcr-v1" and row["bytes"] < LARGEST]
    return [RECORDINGS / row["file"] for row in rows[::EVERY]]


CHOSEN = chosen()

pytestmark = pytest.mark.skipif(not CHOSEN, reason="the recordings of real traffic are not here")


@pytest.fixture(scope="module")
def http_client() -> Any:
    """One for all of the clients: making one takes longer than a replay, and it is never asked."""
    return HTTP.Client()


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recording_played_back_is_the_same_session(path: Path, tmp_path: Path, http_client: Any) -> None:
    store = Store(tmp_path / "store", create=True)
    (imported,) = import_cassettes(store, [path])
    if imported.session is None:
        pytest.skip("it holds no exchange with an OpenAI API")
    first = of_any_client(comparable(store.get(imported.session.session_id)))
    tape = tape_of_session(store, imported.session.session_id)
    recorder = Recorder(store.paths.root)
    for play, more in ((play_sync, {"http_client": http_client}), (play_async, {})):
        session, playback = play(tape, recorder, **more)
        assert session.wait(60), session.error
        assert not playback.misses
        assert not playback.unplayed
        assert {each.how for each in playback.answers} == {"exact"}
        second = of_any_client(comparable(store.get(session.id)))
        if any(host != host.lower() for host in hosts_of(first)):
            assert with_small_hosts(second) == with_small_hosts(copy.deepcopy(first))
        else:
            assert second == first
