"""The playback of a process that ``THOUGHTFLOW_REPLAY`` names a recording to: for ``tfclient replay``.

Each process has one of its own, its children too. What becomes of it is written down as it happens, so that whoever
started the program hears of all of them, also of those that were killed.
"""

from __future__ import annotations

import atexit
import functools
import json
import logging
import os
from pathlib import Path
from typing import Any, Final

from tfclient.errors import SettingError, TfclientError
from tfclient.playing import VARIABLE
from tfclient.replaying.playback import Playback, replay

OPTIONS: Final = "THOUGHTFLOW_REPLAY_OPTIONS"
"""The arguments of ``tfclient.replay``, as a JSON object."""

REPORTS: Final = "THOUGHTFLOW_REPLAY_REPORTS"
"""A folder in which each process says what it played."""

_log = logging.getLogger("tfclient")


def playback() -> Playback:
    """Return the playback of this process.

    Raises:
        ReplayRefused, UnknownSession, StoreNotFound, SettingError: as of ``tfclient.replay``.
    """
    return _of_process(os.getpid())


@functools.cache
def _of_process(pid: int) -> Playback:
    made = replay(os.environ[VARIABLE], **options_in(os.environ.get(OPTIONS)))
    folder = os.environ.get(REPORTS)
    if folder:
        made.listener = functools.partial(_write, Path(folder) / f"{pid}.jsonl")
        atexit.register(_say_unread, made, pid)
    else:
        atexit.register(_say, made, pid)
    return made


def options_in(text: str | None) -> dict[str, Any]:
    """Return the options that stand in the environment.

    Raises:
        SettingError: they are no JSON object.
    """
    try:
        options = json.loads(text) if text else {}
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise SettingError(OPTIONS, text, "the arguments of tfclient.replay() as a JSON object")
    return options


def _write(path: Path, told: dict[str, Any]) -> None:
    # One write: threads do not mix their lines.
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(told).encode() + b"\n")


def _say_unread(made: Playback, pid: int) -> None:
    """Tell whoever started the program what it never read of its sockets: that shows only at its end."""
    if os.getpid() == pid and made.unread and made.listener is not None:
        made.listener({"unread": made.unread})


def _say(made: Playback, pid: int) -> None:
    if os.getpid() != pid:
        return
    try:
        made.check()
    except TfclientError as error:
        _log.warning("tfclient: the replay that %s names is not as recorded. %s", VARIABLE, error)
