"""The store's own id, in ``store.json``: what tells its sessions from those of another store with the same ids.

It is made with the store, and copied or moved with it. A store from before there was one gets it when it is first
asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import TYPE_CHECKING, Final

from tfstore.disk.files import read_file, unfinished
from tfstore.disk.paths import open_private
from tfstore.errors import StoreUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths

_LARGEST: Final = 10_000
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def store_id(paths: StorePaths) -> str:
    """Return the store's id, a UUID; one that has none gets it now.

    Raises:
        StoreUnusable: ``store.json`` cannot be read, or not be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from tfstore.disk.paths import StorePaths
        >>> paths = StorePaths(Path(tempfile.mkdtemp()) / "store")
        >>> paths.create()
        >>> store_id(paths) == store_id(paths), len(store_id(paths))
        (True, 36)
    """
    path = paths.identity
    try:
        data = read_file(path, _LARGEST)
    except FileNotFoundError:
        make_store_id(paths)
        try:
            data = read_file(path, _LARGEST)
        except (OSError, ValueError) as error:
            raise _unreadable(paths, path) from error
    except (OSError, ValueError) as error:
        raise _unreadable(paths, path) from error
    try:
        found = json.loads(data)["store_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(paths, path) from error
    if not isinstance(found, str) or _ID.fullmatch(found) is None:
        raise _unreadable(paths, path)
    return found


def make_store_id(paths: StorePaths) -> None:
    """Give the store an id, unless it has one.

    Raises:
        StoreUnusable: it cannot be written.
    """
    import uuid

    path = paths.identity
    if os.path.lexists(path):
        return
    beside = unfinished(path)
    try:
        descriptor = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            os.write(descriptor, json.dumps({"store_id": str(uuid.uuid4())}).encode() + b"\n")
        finally:
            os.close(descriptor)
        try:
            # Whole or not at all, and never in place of one that another process made meanwhile.
            with contextlib.suppress(FileExistsError):
                os.link(beside, path)
        except OSError:
            # A file system without links: the last of those that come at the same moment stays.
            beside.replace(path)
    except OSError as error:
        raise StoreUnusable(paths.root, f"{path} cannot be written ({error.strerror or error})") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def _unreadable(paths: StorePaths, path: Path) -> StoreUnusable:
    reason = (
        f"{path} does not hold its id: put back the file that was there, or remove it. Then it gets a new id, and what "
        "was exported before counts as another store's"
    )
    return StoreUnusable(paths.root, reason)
