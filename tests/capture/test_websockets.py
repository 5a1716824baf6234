"""Whatever opens a WebSocket says, once, that it is not seen."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.capture.driver import Driver
    from tfclient import Recorder

GIVEN = {
    "model": "gpt-realtime",
    "session_id": "sess_1",
    "call_id": "call_1",
    "fork_id": "fork_1",
}


def connections(resource: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All connection managers that a client's resources make, by the resource's path."""
    for name, member in inspect.getmembers_static(type(resource)):
        if name.startswith(("_", "with_")) or not isinstance(member, functools.cached_property):
            continue
        below = getattr(resource, name)
        if connect := getattr(below, "connect", None):
            wanted = inspect.signature(connect).parameters
            needed = [
                key
                for key, parameter in wanted.items()
                if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
            ]
            yield f"{path}{name}", connect(**{key: GIVEN[key] for key in {*needed, *(GIVEN.keys() & wanted)}})
        yield from connections(below, f"{path}{name}.")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_connection_is_told_of_once(
    drive: Driver, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    client = drive.traced(recorder)
    found = dict(connections(client))
    assert {"responses", "realtime"} <= found.keys()
    for _ in range(2):
        for path, manager in found.items():
            before = len(recorder.health.unseen)
            manager._prepare_url()
            # Two versions of one resource, as `realtime` and `beta.realtime`, have one name.
            name = path.rpartition(".")[2].capitalize()
            assert any(name in line for line in recorder.health.unseen[: before + 1]), path
    told = {type(manager).__name__ for manager in found.values()}
    assert len(recorder.health.unseen) == len(told)
    assert caplog.text.count("is not recorded") == len(told)
    assert recorder.health.faults == 0
