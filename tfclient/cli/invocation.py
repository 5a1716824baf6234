"""The command as it can be typed where the person stands."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def as_typed() -> str:
    """Return what ran this command, so that it runs again from the same folder.

    ``tfclient`` where the shell finds this very program by that name; else the path that it lies at, from here if it is
    below here.
    """
    program = Path(sys.argv[0])
    found = shutil.which("tfclient")
    try:
        if not program.is_file() or (found is not None and Path(found).samefile(program)):
            return "tfclient"
    except OSError:
        return "tfclient"
    absolute = program if program.is_absolute() else Path.cwd() / program
    here = Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
