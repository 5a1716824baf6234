"""Very long sessions are projected outside of the program: a process of its own, which takes the memory.

``python -m tfclient.finishing.helper STORE ID`` writes the session's document; when it has ended, also its diagram and
archive. It outlives the program that started it, gives way to everything else, and is what the system ends first
when memory runs out: then the next who opens the store begins again.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfclient.finishing.finisher import OnDone
    from tfstore.disk.paths import StorePaths


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
    """Have a helper write a session's files; ``done`` is called from a thread of its own. False: none was started."""
    if not can_help():
        return False
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if each)
    environment["THOUGHTFLOW_DISABLED"] = "1"
    # -P: a `store.py` in the program's own folder is not taken for ours.
    command = [sys.executable, "-P", "-m", "tfclient.finishing.helper", str(paths.root), session_id]
    try:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            # Not in the program's group: an interrupt from the keyboard is not meant for it.
            start_new_session=True,
        )

        def wait() -> None:
            drift, complaint = process.communicate()
            lines = complaint.decode("utf-8", "replace").strip().splitlines()
            reason = lines[-1] if lines else f"the process that writes them ended with {process.returncode}"
            done(
                HelperFailed(session_id, reason) if process.returncode else None,
                int(drift) if drift.isdigit() else 0,
            )

        threading.Thread(target=wait, name="tfclient-helper", daemon=True).start()
    except (OSError, RuntimeError):
        return False
    return True


def main(root: str, session_id: str) -> None:
    """Write a session's files and archive it, as the helper process; print how many responses they lack."""
    from tfclient.finishing.last_steps import claim_and_write
    from tfclient.finishing.live import LiveSession
    from tfstore.store import Store

    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    # Nothing of a projection is garbage before its end: looking for some, again and again, takes a third of the time.
    gc.disable()
    store = Store(root)
    live = LiveSession(store, session_id)
    session = claim_and_write(live, patience=600)
    if session.status == "closed":
        sys.stdout.write(str(len(live.missing_in(session))))


if __name__ == "__main__":
    main(*sys.argv[1:3])
