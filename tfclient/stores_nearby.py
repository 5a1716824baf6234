"""Where the store is that a person or a program means without naming one, and which others are near."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

DEFAULT: Final = ".thoughtflow"

_MOST_ENTRIES: Final = 2000
_MOST_NAMED: Final = 5


def store_upwards(here: Path) -> Path | None:
    """Return the store in this folder, or in the nearest one above it that has one of the same user.

    The home folder and what lies above it are not looked at from below, nor is another file system.

    Raises:
        OSError: this folder cannot be looked at.
    """
    device = here.stat().st_dev
    homes = _homes()
    for folder in (here, *here.parents):
        if folder != here and folder in homes:
            return None
        store = folder / DEFAULT
        try:
            if folder.stat().st_dev != device:
                return None
            if folder == here:
                if os.path.lexists(store):
                    return store  # whatever it is: what is wrong with it is told
            elif (store / "sessions").is_dir() and _is_ours(store):
                return store
        except OSError:
            continue
    return None


def stores_near(here: Path) -> list[Path]:
    """Return stores in the folders above, and one and two levels below; five at most."""
    found: list[Path] = []
    for folder in (*here.parents, *_below(here)):
        try:
            if (folder / DEFAULT / "sessions").is_dir():
                found.append(folder / DEFAULT)
        except OSError:
            continue
        if len(found) == _MOST_NAMED:
            break
    return found


def _below(here: Path) -> Iterator[Path]:
    """Yield the folders one and two levels below, as many as are looked at soon."""
    left = _MOST_ENTRIES
    level = [here]
    for _ in range(2):
        below: list[Path] = []
        for folder in level:
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        left -= 1
                        if left < 0:
                            return
                        if entry.is_dir(follow_symlinks=False) and entry.name != DEFAULT:
                            below.append(Path(entry.path))
            except OSError:
                continue
        yield from sorted(below)
        level = below


def _homes() -> set[Path]:
    try:
        home = Path.home()
        return {home, home.resolve(), *home.parents}
    except (OSError, RuntimeError):
        return set()


def _is_ours(store: Path) -> bool:
    """Say whether nobody else made it: what is recorded would lie in the hands of whoever did."""
    return not hasattr(os, "getuid") or store.lstat().st_uid == os.getuid()
