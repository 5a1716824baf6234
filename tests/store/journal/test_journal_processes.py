"""Several processes in one journal, and what is left of one that was killed."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.store.making import SESSION, start
from tfstore.journal.reading import Tail, live_writers, read_entries

if TYPE_CHECKING:
    import subprocess

    from tfstore.disk.paths import StorePaths

WRITER = """
    import sys, threading
    from tfstore.journal.reading import Segment
    from tfstore.disk.paths import StorePaths
    segment = Segment.open(StorePaths(sys.argv[1]), sys.argv[2])
    threads, entries = int(sys.argv[3]), int(sys.argv[4])
    def work(name):
        for number in range(entries):
            segment.append({"at": number, "mono": number, "type": "annotation", "thread": name, "n": number})
    workers = [threading.Thread(target=work, args=(name,)) for name in range(threads)]
    for each in workers: each.start()
    for each in workers: each.join()
"""

ENDLESS = r"""
    import os, sys
    from tfstore.journal.reading import Segment
    from tfstore.disk.paths import StorePaths
    segment = Segment.open(StorePaths(sys.argv[1]), sys.argv[2])
    print(segment.writer, flush=True)
    number = 0
    while True:
        number += 1
        segment.append({"at": number, "type": "annotation", "n": number, "text": "x" * (number * 997 % 20000)})
        os.write(1, b"%d\n" % number)
"""


def test_four_processes_of_four_threads_lose_nothing(paths: StorePaths) -> None:
    running = [start(WRITER, paths.root, SESSION, 4, 100) for _ in range(4)]
    tail = Tail(paths, SESSION)
    seen = 0
    while any(process.poll() is None for process in running):
        seen += len(tail.poll())
    for process in running:
        process.communicate()
        assert process.returncode == 0
    seen += len(tail.poll())
    entries, report = read_entries(paths, SESSION)

    assert report.intact
    assert seen == len(entries) == 1600
    assert len(report.heads) == 4
    each = Counter((entry["writer"], entry["thread"], entry["n"]) for entry in entries)
    assert set(each.values()) == {1}
    for writer in report.heads:
        for thread in range(4):
            own = [e["n"] for e in entries if (e["writer"], e["thread"]) == (writer, thread)]
            assert own == list(range(100))


@pytest.mark.parametrize("seed", range(8))
def test_killing_a_writer_loses_nothing_that_it_was_told_is_written(paths: StorePaths, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - when to kill, not a secret
    with start(ENDLESS, paths.root, SESSION) as process:
        writer = told(process)
        alive = live_writers(paths, SESSION)
        acknowledged = [int(told(process)) for _ in range(chance.randrange(1, 60))]
        time.sleep(chance.random() / 1000)
        process.kill()
        rest, _ = process.communicate(timeout=60)
    acknowledged += map(int, rest.splitlines())
    entries, report = read_entries(paths, SESSION)

    assert alive == [writer]
    assert live_writers(paths, SESSION) == []
    found = [entry["n"] for entry in entries]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= acknowledged[-1]
    assert not report.corrupt
    assert not report.broken_chain
    assert not report.gaps


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
