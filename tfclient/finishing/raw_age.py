"""Raw bodies go when they are old: looked for when a session of the store was finished, once in a while."""

from __future__ import annotations

import logging
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfclient.settings import raw_days
from tfclient.signals import let_pass
from tfstore.disk.raw_folder import expire

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths

_log = logging.getLogger("tfclient")

_OFTEN: Final = 600.0
_LOOKED: Final[dict[Path, float]] = {}


def let_old_ones_go(paths: StorePaths) -> None:
    """Remove what is older than it is to be kept, every ten minutes at most; what goes wrong is tried again then."""
    now = monotonic()
    if now - _LOOKED.get(paths.root, -_OFTEN) < _OFTEN:
        return
    _LOOKED[paths.root] = now
    try:
        expire(paths, timedelta(days=raw_days()))
    except Exception as error:  # noqa: BLE001 - `tfclient prune --raw` says what is wrong
        let_pass(error)
        _log.debug("tfclient: raw bodies that are old could not be removed", exc_info=True)
