"""A session that came in a bundle is played as one of the store."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

import tfclient
from tests.capture.driver import MODEL, Driver
from tests.replaying.recording import Studio, outcome
from tests.server.replies import answer, rate_limited
from tfclient.errors import ReplayRefused
from tfclient.export.bundle import bundled
from tfstore.errors import BundleRefused


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
