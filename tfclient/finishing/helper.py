"""Very long sessions are projected outside of the program: a process of its own, which takes the memory.

``python -m tfclient.finishing.helper STORE ID…`` writes the sessions' documents; of those that have ended, also
diagram and archive. It outlives the program that started it, gives way to everything else, and is what the system
ends first when memory runs out: then the next who opens the store begins again.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tfclient.finishing.learning import is_learnt, learn_from_now_on
from tfstore.disk.fork import lock, renew_after_fork, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tfclient.finishing.live import LiveSession
    from tfstore.disk.paths import StorePaths

    OnDone = Callable[[Exception | None, int], None]
    """Gets what went wrong, or None, and how much is missing: responses of the journal that the
    document lacks, and entries that were written and are not in the journal. There must be none."""


AT_ONCE: Final = 2
"""Helpers that work at once for a process, whatever is asked of them."""


class HelperFailed(Exception):
    """A helper could not do its work; the journal is whole."""

    def __init__(self, session_id: str, reason: str) -> None:
        super().__init__(
            f"The files of session {session_id} were not written: {reason}. "
            f"Its journal is whole; `tfclient rebuild {session_id}` tries again."
        )
        self.session_id = session_id


def can_help() -> bool:
    """Whether this interpreter can be started anew: not where it is part of another program."""
    name = Path(sys.executable or "").name.lower()
    return name.startswith(("python", "pypy")) and not getattr(sys, "frozen", False)


def start_helper(paths: StorePaths, session_id: str, done: OnDone) -> bool:
    """Have a helper write a session's files; ``done`` is called from a thread of its own. False: there is none."""
    return start_helper_for(paths, {session_id: done})


def start_helper_for(paths: StorePaths, asked: Mapping[str, OnDone]) -> bool:
    """Have one helper write the files of these sessions, in their order; each is told of its own.

    Of many that are asked for, few work at once, and the others when those are done.
    """
    return can_help() and _HELPERS.ask(paths, asked)


def helper_is_free() -> bool:
    """Whether a helper that is asked for would begin at once."""
    return _HELPERS.free


class _Helpers:
    """The helpers of this process: each has an interpreter's memory, and wants a core."""

    def __init__(self) -> None:
        self._lock = lock()
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        self._at_work = 0
        self._asked: deque[tuple[StorePaths, Mapping[str, OnDone]]] = deque()

    @property
    def free(self) -> bool:
        return self._at_work < AT_ONCE

    def ask(self, paths: StorePaths, asked: Mapping[str, OnDone]) -> bool:
        with self._lock:
            if not self.free:
                self._asked.append((paths, asked))
                return True
            self._at_work += 1
        if _start(paths, asked, self._done):
            return True
        self._done()
        return False

    def _done(self) -> None:
        while True:
            with self._lock:
                if not self._asked:
                    self._at_work -= 1
                    return
                paths, asked = self._asked.popleft()
            if _start(paths, asked, self._done):
                return
            for session_id, done in asked.items():
                done(HelperFailed(session_id, "no process could be started for it"), 0)


_HELPERS: Final = _Helpers()


def _start(paths: StorePaths, asked: Mapping[str, OnDone], when_done: Callable[[], None]) -> bool:
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if each)
    environment["THOUGHTFLOW_DISABLED"] = "1"
    environment["THOUGHTFLOW_NOTES"] = "1" if is_learnt(paths) else "0"
    # -P: a `store.py` in the program's own folder is not taken for ours.
    command = [sys.executable, "-P", "-m", "tfclient.finishing.helper", str(paths.root), *asked]
    try:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            # Not in the program's group: an interrupt from the keyboard is not meant for it.
            start_new_session=True,
        )
    except Exception:  # noqa: BLE001 - paths that no process can be given, somebody who forbids it: whatever it is
        return False

    def wait() -> None:
        try:
            said = process.communicate()[0].decode("utf-8", "replace").splitlines()
        finally:
            when_done()
        results = dict(_results(said))
        last = next((line for line in reversed(said) if line.strip() and _parsed(line) is None), None)
        silent = last or f"the process that writes them ended with {process.returncode}"
        for session_id, done in asked.items():
            reason, drift = results.get(session_id, (silent, 0))
            done(None if reason is None else HelperFailed(session_id, reason), drift)

    # Without a thread it does its work all the same, and nobody hears of it.
    return start_thread(wait, "tfclient-helper") is not None


def _results(said: list[str]) -> Iterator[tuple[str, tuple[str | None, int]]]:
    for line in said:
        if (result := _parsed(line)) is not None:
            yield result["session_id"], (result["error"], result["drift"])


def _parsed(line: str) -> dict[str, Any] | None:
    # What else a process says, of a library for instance, is no result.
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"session_id", "error", "drift"} <= found.keys() else None


def main(root: str, *session_ids: str) -> None:
    """Write the sessions' files and archive them, as the helper process; print a line of JSON on each."""
    from tfclient.finishing.live import LiveSession
    from tfstore.store import Store

    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    # Nothing of a projection is garbage before its end: looking for some, again and again, takes a third of the time.
    gc.disable()
    store = Store(root)
    if os.environ.get("THOUGHTFLOW_NOTES") == "1":
        learn_from_now_on(store.paths)
    for session_id in session_ids:
        drift, reason = 0, None
        try:
            drift = _write(LiveSession(store, session_id))
        except Exception as error:  # noqa: BLE001 - one that fails does not stop the others
            reason = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps({"session_id": session_id, "error": reason, "drift": drift}) + "\n")
        gc.collect()


def _write(live: LiveSession) -> int:
    from tfclient.finishing.last_steps import claim_and_write

    session = claim_and_write(live, patience=600)
    return len(live.missing_in(session)) if session.status == "closed" else 0


if __name__ == "__main__":
    main(*sys.argv[1:])
