"""A bundle → the tape of the session in it; nothing in it is believed before it was looked at."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tfclient.replaying.tape_of_session import tape_of_session
from tfstore.bundles.unpacking import unpack
from tfstore.disk.paths import StorePaths
from tfstore.store import Store

if TYPE_CHECKING:
    from tfclient.replaying.tape import Tape


def tape_of_bundle(path: Path) -> Tape:
    """Return the tape of the session in a bundle.

    Raises:
        BundleRefused: it is no bundle, or not as a bundle is.
        ReplayRefused: its session cannot be played.
    """
    with tempfile.TemporaryDirectory(prefix="tfclient-tape-") as folder:
        # It may be a link: which file is meant is the user's choice.
        opened = unpack(path.resolve(), StorePaths(Path(folder) / "store"))
        return tape_of_session(Store(Path(folder) / "store"), opened.session_id, stays=False)
