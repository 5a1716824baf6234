"""Locks across a fork: a child waits for nobody who is not there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from tfstore.disk import fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def in_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - told by the exit code
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def take(lock: fork.lock) -> None:
    with lock:
        pass


@pytest.mark.timeout(60)
def test_what_another_thread_held_is_free_in_the_child() -> None:
    lock = fork.lock()
    taken, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            go_on.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(60)
    try:
        assert in_child(lambda: take(lock)) == 0
    finally:
        go_on.set()
        holder.join()


def test_a_fork_inside_the_block_leaves_it_in_both() -> None:
    lock = fork.lock()
    with lock:
        child = os.fork()
    if child == 0:
        take(lock)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    free = threading.Thread(target=take, args=(lock,))
    free.start()
    free.join(60)
    assert not free.is_alive()
