"""A disk that fails at any call, is full, or goes away: the program notices nothing, and it records again."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import tfclient
from tests.crash.checks import holds_all
from tests.crash.disk import Disk, fails, fails_halfway
from tests.crash.program import SESSION, ask, client_of, in_child, stream, talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.crash.program import Acknowledge

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))
FAULTS = {
    "full": fails(errno.ENOSPC),
    "full in the middle of a line": fails_halfway(errno.ENOSPC),
    "broken": fails(errno.EIO),
    "read-only": fails(errno.EROFS),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.timeout(600)
def test_one_call_fails_wherever_it_is(name: str, tmp_path: Path) -> None:
    """All calls of the program succeed, and what the next process finds is whole but for what was lost and told."""

    def work(root: Path, acknowledge: Acknowledge, at: int | None) -> None:
        disk = Disk(root, FAULTS[name], at).install(pytest.MonkeyPatch())
        talk(root, acknowledge)
        acknowledge(f"calls {len(disk.calls)}")

    whole = tmp_path / "whole"
    lines, _ = in_child(lambda acknowledge: work(whole, acknowledge, None))
    count = int(lines[-1].removeprefix("calls "))
    expected = lines[:-1]
    everything, _ = tfclient.open_store(whole).journal(SESSION)
    # Without the long tests each kind of failure is at every third call, or every ninth, and not at another's.
    stride = 1 if LONG else 3 if name.startswith("full") else 9
    for at in range(0 if LONG else list(FAULTS).index(name), count, stride):
        root = tmp_path / str(at)
        lines, killed = in_child(lambda acknowledge: work(root, acknowledge, at))  # noqa: B023
        assert not killed
        assert lines[:-1] == expected, "the program saw a difference"
        # One failed write loses the entries of that write; all else is there.
        store = tfclient.open_store(root)
        (session_id,) = store.ids()
        entries, report = store.journal(session_id)
        lost = report.missing_entries + report.corrupt_lines
        assert lost <= 4, report
        if not lost and len(entries) == len(everything):
            holds_all(store, store.get(session_id), expected)
        shutil.rmtree(root, ignore_errors=True)


def test_it_says_so_once_and_records_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "store"
    disk = Disk(root).install(monkeypatch)
    recorder = tfclient.Recorder(root)
    said: list[str] = []
    with client_of(recorder, said.append) as client, recorder.session(id=SESSION) as session:
        ask(client, said.append, "before")
        disk.go_wrong(FAULTS["full"])
        for number in range(5):
            ask(client, lambda _: None, f"lost {number}")
        assert not recorder.health.ok
        disk.work()
        said = [line for line in said if "lost" not in line]
        ask(client, said.append, "after")
        stream(client, said.append, "streamed")
        lost = recorder.stats().lost
        assert set(recorder.health.by_kind) == {"journal"}
    assert session.wait(60)
    store = tfclient.open_store(root)
    assert lost >= 15
    assert store.journal(SESSION)[1].missing_entries >= 15
    holds_all(store, store.get(SESSION), [line for line in said if "lost" not in line])
    assert any("entries could not be written when they happened" in note for note in store.get(SESSION).notes)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(  # noqa: S603 - for root only
        [mount, "-t", "tmpfs", "-o", "size=1m", "none", str(place)], check=False, capture_output=True
    )
    if not made or made.returncode:
        pytest.skip("this user may not mount a small disk; the faulting layer stands for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)  # noqa: S603, S607


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)  # noqa: S603, S607


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    root = small_disk / "store"
    recorder = tfclient.Recorder(root)
    said: list[str] = []
    with client_of(recorder, lambda _: None) as client, recorder.session(id=SESSION) as session:
        ask(client, said.append, "before")
        ballast = small_disk / "ballast"
        descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while os.write(descriptor, b"x" * 4096):
                pass
        os.close(descriptor)
        for number in range(30):
            ask(client, lambda _: None, f"{'many words ' * 100} {number}")
        assert recorder.stats().lost > 0
        ballast.unlink()
        ask(client, said.append, "after")
    assert session.wait(60), session.error
    store = tfclient.open_store(root)
    holds_all(store, store.get(SESSION), said)
    assert {"answer to before", "answer to after"} <= _messages(store.get(SESSION))


def test_a_disk_that_is_read_only_for_a_while(small_disk: Path) -> None:
    root = small_disk / "store"
    recorder = tfclient.Recorder(root)
    said: list[str] = []
    client = client_of(recorder, lambda _: None)
    with recorder.session(id=SESSION) as session:
        ask(client, said.append, "before")
    assert session.wait(60)
    remount(small_disk, "ro")
    with recorder.session() as other:
        ask(client, lambda _: None, "meanwhile")
    other.wait(60)
    assert not recorder.health.ok
    assert tfclient.open_store(root).get(SESSION).status == "closed"
    remount(small_disk, "rw")
    ask(client, said.append, "after")
    third = recorder.current
    assert third is not None
    third.end()
    assert third.wait(60), third.error
    assert "answer to after" in _messages(tfclient.open_store(root).get(third.id))


def test_a_store_deleted_again_and_again(tmp_path: Path) -> None:
    """Each time in the middle of a session; what came after it is there."""
    root = tmp_path / "store"
    recorder = tfclient.Recorder(root)
    said: list[str] = []
    with client_of(recorder, lambda _: None) as client, recorder.session(id=SESSION) as session:
        for number in range(5):
            ask(client, lambda _: None, f"gone {number}")
            shutil.rmtree(root)
        ask(client, said.append, "after")
    session.wait(60)
    store = tfclient.open_store(root)
    assert store.ids() == [SESSION]
    assert "answer to after" in _messages(store.get(SESSION))


def _messages(session: Any) -> set[str]:
    return {
        str((step.payload_completed or {}).get("text"))
        for run in session.runs
        for step in run.steps
        if step.label == "assistant_message"
    }
