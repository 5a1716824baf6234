"""``pruned_totals.jsonl``: what sessions came to that were pruned or deleted, a line each, which does not name it.

A line counts while there is no such session in the store. It is written before the session goes: whoever dies in
between has counted it once, and deleting it again writes the same line again.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from tfstore.disk.lines import add_lines, alone, lines_of
from tfstore.index.counters import as_json, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfstore.disk.paths import StorePaths
    from tfstore.index.counters import Counters


def keep(paths: StorePaths, going: Mapping[str, Counters]) -> None:
    """Write down what sessions came to that are about to go, by their identity.

    Raises:
        StoreUnusable: it cannot be written.
    """
    lines = [
        json.dumps({"identity": identity, "counters": as_json(each)}, separators=(",", ":")).encode() + b"\n"
        for identity, each in going.items()
    ]
    if lines:
        with alone(paths, paths.pruned_totals_lock):
            add_lines(paths, paths.pruned_totals, b"".join(lines))


def read(paths: StorePaths) -> dict[str, Counters]:
    """Return what each session came to that went, by its identity, as it was told last.

    Raises:
        StoreUnusable: the file is there and cannot be read.

    Example:
        >>> import tempfile
        >>> from collections import Counter
        >>> from pathlib import Path
        >>> from tfstore.disk.paths import StorePaths
        >>> paths = StorePaths(Path(tempfile.mkdtemp()) / "store")
        >>> paths.create()
        >>> keep(paths, {"9f86": Counter({("runs",): 2})})
        >>> read(paths)
        {'9f86': Counter({('runs',): 2})}
    """
    found: dict[str, Counters] = {}
    for line in lines_of(paths, paths.pruned_totals):
        with contextlib.suppress(ValueError, TypeError, KeyError):
            told: dict[str, Any] = json.loads(line)
            found[str(told["identity"])] = from_json(told["counters"])
    return found
