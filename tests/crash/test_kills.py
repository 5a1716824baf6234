"""Real kills, at every system call that changes the store and at random: nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.crash.checks import whole_after
from tests.crash.disk import Disk, dies, dies_halfway
from tests.crash.program import SESSION, in_child, talk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.disk import Fault
    from tests.crash.program import Acknowledge

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

LONG = bool(os.environ.get("TFCLIENT_LONG_TESTS"))
STRIDE = 1 if LONG else 3
"""Without the long tests, each way to die strikes at every third call, and not at the other one's."""
BEGIN = {dies: 0, dies_halfway: 1 % STRIDE}


def talk_on(root: Path, acknowledge: Acknowledge, fault: Fault, at: int | None) -> None:
    disk = Disk(root, fault, at).install(pytest.MonkeyPatch())
    talk(root, acknowledge)
    acknowledge(f"calls {len(disk.calls)}")


def count_of(lines: list[str]) -> int:
    (calls,) = [line for line in lines if line.startswith("calls ")]
    return int(calls.removeprefix("calls "))


@pytest.mark.parametrize("fault", [dies, dies_halfway])
@pytest.mark.timeout(600)
def test_killed_at_every_system_call(fault: Fault, tmp_path: Path) -> None:
    """From the making of the store's first folder to the removal of the last segment."""
    lines, killed = in_child(lambda acknowledge: talk_on(tmp_path / "whole", acknowledge, None, None))
    assert not killed
    session = whole_after(tmp_path / "whole", lines, SESSION)
    assert session is not None
    assert session.end_reason == "closed"
    ends = set()
    for at in range(BEGIN[fault], count_of(lines), STRIDE):
        root = tmp_path / str(at)
        lines, killed = in_child(lambda acknowledge: talk_on(root, acknowledge, fault, at))  # noqa: B023
        session = whole_after(root, lines, SESSION)
        ends.add((killed, None if session is None else session.end_reason))
        shutil.rmtree(root, ignore_errors=True)
    assert {(True, "recovered"), (True, "closed")} <= ends


def leave_behind(root: Path) -> list[str]:
    """Leave a session of a process that was killed in a stream."""

    def work(acknowledge: Acknowledge) -> None:
        def then_die(line: str) -> None:
            acknowledge(line)
            if line.startswith("piece [streamed 2"):
                os.kill(os.getpid(), 9)

        talk(root, then_die)

    lines, killed = in_child(work)
    assert killed
    return lines


@pytest.mark.parametrize("fault", [dies, dies_halfway])
@pytest.mark.timeout(600)
def test_recovery_killed_at_every_system_call(fault: Fault, tmp_path: Path) -> None:
    """Whoever recovers may die too: the next goes on."""
    lines = leave_behind(tmp_path / "left")

    def recover_on(root: Path, acknowledge: Acknowledge, at: int | None) -> None:
        from tfclient.opening import open_store

        disk = Disk(root, fault, at).install(pytest.MonkeyPatch())
        open_store(root)
        acknowledge(f"calls {len(disk.calls)}")

    root = tmp_path / "whole"
    shutil.copytree(tmp_path / "left", root)
    told, _ = in_child(lambda acknowledge: recover_on(root, acknowledge, None))
    for at in range(BEGIN[fault], count_of(told), STRIDE):
        root = tmp_path / str(at)
        shutil.copytree(tmp_path / "left", root)
        in_child(lambda acknowledge: recover_on(root, acknowledge, at))  # noqa: B023
        session = whole_after(root, lines, SESSION)
        assert session is not None
        assert session.end_reason == "recovered"
        shutil.rmtree(root)


def test_what_was_in_flight_is_shown_as_that(tmp_path: Path) -> None:
    lines = leave_behind(tmp_path)

    session = whole_after(tmp_path, lines, SESSION)

    assert session is not None
    assert (session.end_reason, session.result) == ("recovered", "failed")
    (call,) = [step for run in session.runs for step in run.steps if step.ending == "unknown"]
    assert call.status in {"incomplete", "failed"}
    assert "[streamed 0][streamed 1][streamed 2]" in str(call.payload_completed)


@pytest.mark.timeout(600)
def test_killed_at_random(tmp_path: Path) -> None:
    """Fifty times, and a thousand if there is time, wherever the kill happens to come."""
    choose = random.Random(20260902)  # noqa: S311 - the same each time
    times = 1000 if LONG else 50
    reasons: dict[str | None, int] = {}
    for number in range(times):
        root = tmp_path / str(number)
        lines, _ = in_child(
            lambda acknowledge: talk(root, acknowledge, calls=6),  # noqa: B023
            kill_after=choose.uniform(0.001, 0.12),
        )
        session = whole_after(root, lines, SESSION)
        reason = None if session is None else session.end_reason
        reasons[reason] = reasons.get(reason, 0) + 1
        shutil.rmtree(root, ignore_errors=True)
    assert reasons.get("recovered"), reasons
