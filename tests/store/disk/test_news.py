"""A thread that waits is woken, whenever it is told, and waits no longer than it is to."""

from __future__ import annotations

import threading
from time import monotonic

from tfstore.disk.news import News


def test_what_was_told_before_ends_the_next_wait_and_no_other() -> None:
    news = News()
    news.tell()
    news.tell()

    assert news.wait()
    assert not news.wait(0)
    assert not news.wait(-1.0)
    news.tell()
    assert news.wait(float("inf"))


def test_times_that_are_up_at_once_are_up() -> None:
    """As they are for whoever pauses again and again until a moment comes: no step of that may wait for ever."""
    news, over = News(), threading.Event()

    def pause() -> None:
        for _ in range(20_000):
            news.tell()
            news.wait(0.5)
            news.wait(1e-6)
        over.set()

    threading.Thread(target=pause, daemon=True).start()

    assert over.wait(60)


def test_nobody_is_forgotten_who_tells_while_others_do() -> None:
    news, told, seen = News(), [0] * 4, [0]

    def tell(n: int) -> None:
        for _ in range(2_000):
            told[n] += 1
            news.tell()

    threads = [threading.Thread(target=tell, args=(n,)) for n in range(len(told))]
    for thread in threads:
        thread.start()
    until = monotonic() + 60
    while seen[0] < 8_000 and monotonic() < until:
        assert news.wait(60)
        seen[0] = sum(told)
    for thread in threads:
        thread.join(60)

    assert seen[0] == 8_000
