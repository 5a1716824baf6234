"""Threads that open journals: used again while they wait, ended when nobody comes."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue

import pytest

from tfclient.sessions import openers
from tfclient.sessions.openers import Openers


def who(pool: Openers) -> threading.Thread:
    told: SimpleQueue[threading.Thread] = SimpleQueue()
    assert pool.open(lambda: told.put(threading.current_thread()))
    return told.get(timeout=60)


def until_idle(pool: Openers) -> None:
    waited = threading.Event()
    for _ in range(6000):
        if pool._idle:
            return
        waited.wait(0.01)
    raise AssertionError("its thread did not come back")


def test_one_after_the_other_is_the_same_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openers, "IDLE_SECONDS", 60)
    pool = Openers()
    first = who(pool)
    until_idle(pool)
    assert who(pool) is first


def test_one_that_hangs_keeps_nobody_waiting() -> None:
    pool, go_on = Openers(), threading.Event()
    pool.open(go_on.wait)
    try:
        assert who(pool).is_alive()
    finally:
        go_on.set()


def test_it_ends_when_nobody_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openers, "IDLE_SECONDS", 0.01)
    pool = Openers()
    thread = who(pool)
    thread.join(60)
    assert not thread.is_alive()
    assert not pool._idle
    assert who(pool) is not thread


def test_one_that_comes_just_then_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openers, "IDLE_SECONDS", 0.0)
    pool = Openers()
    for _ in range(500):
        assert who(pool) is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_child_has_none_of_its_parent_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openers, "IDLE_SECONDS", 60)
    pool = Openers()
    who(pool)
    until_idle(pool)
    child = os.fork()
    if not child:
        os._exit(0 if not pool._idle and who(pool).is_alive() else 1)
    assert os.waitpid(child, 0)[1] == 0
