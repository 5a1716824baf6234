"""A session that came in a bundle is played as one of the store.

TFCLIENT_LONG_TESTS=1 plays the bundles of fifty recordings.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

import tfclient
from tests.capture.driver import MODEL, Driver
from tests.projection.recorded import FOLDER, needs_recordings
from tests.replaying.playing_back import comparable, of_any_client, play_async, play_sync
from tests.replaying.recording import Studio, outcome
from tests.server.replies import answer, rate_limited
from tfclient import Recorder
from tfclient.errors import ReplayRefused
from tfclient.export.bundle import bundled
from tfclient.importing.cassettes import import_cassettes
from tfclient.replaying.finding import tape_of
from tfstore.errors import BundleRefused
from tfstore.store import Store

BUNDLED = 50
SAMPLE = 4
LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))


def program(drive: Driver, client: Any) -> Any:
    one = drive.do(client.responses.create(model=MODEL, input="Hello"))
    two = drive.do(client.responses.create(model=MODEL, input=f"And {one.output_text}?"))
    return one.output_text, two.output_text


def test_a_bundle_is_played_where_there_is_no_store(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = studio.record(program, answer("Hi"), rate_limited(), answer("Bye"), max_retries=1)
    bundle = tmp_path / "b.tfbundle"
    with bundled(studio.store, studio.session_id) as made:
        assert made.replay.level == "exact"
        made.write(bundle)
    monkeypatch.setenv("THOUGHTFLOW_DIR", str(tmp_path / "elsewhere"))

    with tfclient.replay(bundle) as playback:
        again = outcome(program, studio.drive, studio.drive.traced(studio.recorder, max_retries=1))

    assert again == given == ("Hi", "Bye")
    assert [each.how for each in playback.answers] == ["exact"] * 3


def test_one_without_content_is_refused(studio: Studio, tmp_path: Path) -> None:
    studio.record(program, answer("Hi"), answer("Bye"))
    bundle = tmp_path / "b.tfbundle"
    with bundled(studio.store, studio.session_id, ["content"]) as made:
        assert made.replay.level == "no"
        made.write(bundle)

    with pytest.raises(ReplayRefused, match="your program would be given hashes"):
        tfclient.replay(bundle)


def test_a_hostile_one_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.tfbundle", "w") as packed:
        packed.writestr("../x.json", b"{}")

    with pytest.raises(BundleRefused):
        tfclient.replay(tmp_path / "b.tfbundle")


@needs_recordings
@pytest.mark.usefixtures("no_sockets")
@pytest.mark.timeout(600)
def test_recordings_that_came_in_bundles_are_the_same_sessions(tmp_path: Path) -> None:
    cassettes = sorted(FOLDER.rglob("*.yaml"))
    chosen = cassettes[:: len(cassettes) // BUNDLED][:BUNDLED]
    chosen = chosen if LONG else chosen[:: BUNDLED // SAMPLE]
    here = Store(tmp_path / "here", create=True)
    firsts: dict[Path, Any] = {}
    for each in import_cassettes(here, chosen):
        assert each.session is not None
        bundle = tmp_path / f"{each.session.session_id}.tfbundle"
        with bundled(here, each.session.session_id) as made:
            assert made.replay.level != "no"
            made.write(bundle)
        firsts[bundle] = of_any_client(comparable(here.get(each.session.session_id)))
    shutil.rmtree(here.paths.root)
    recorder = Recorder(tmp_path / "elsewhere")

    for bundle, first in firsts.items():
        tape = tape_of(bundle)
        for play in (play_sync, play_async):
            session, playback = play(tape, recorder)
            assert session.wait(60)
            assert (playback.misses, playback.unplayed) == ([], [])
            again = Store(tmp_path / "elsewhere").get(session.id)
            assert again.replay is not None
            assert again.replay.session_id == tape.session_id
            assert of_any_client(comparable(again)) == first
    assert len(firsts) == len(chosen)
