"""What a file says that ``THOUGHTFLOW_CONFIG`` names: TOML, or JSON where its name ends so.

Its table ``retention`` says how long what is kept: ``older_than`` and ``max_size`` of a folder, ``documents``,
``payloads``, ``events`` and ``archive`` of a database, each as the option of ``tfclient prune`` that is called so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from tfclient.cli.failures import USAGE, Refused

VARIABLE: Final = "THOUGHTFLOW_CONFIG"

_LARGEST: Final = 1_000_000


def retention() -> dict[str, str]:
    """Return what is said of how long what is kept; nothing where there is no such file.

    Raises:
        Refused: it cannot be read, or holds something else.
    """
    named = os.environ.get(VARIABLE, "")
    if not named:
        return {}
    told = _read(Path(named).expanduser()).get("retention", {})
    if not isinstance(told, dict) or not all(isinstance(each, str) for each in told.values()):
        reason = 'its `retention` is no table of texts, such as documents = "30d"'
        raise Refused(f"{VARIABLE}={named} cannot be used: {reason}.", USAGE)
    return told


def _read(path: Path) -> dict[str, Any]:
    import json
    import tomllib

    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST)
        told = json.loads(data) if path.suffix == ".json" else tomllib.loads(data.decode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Refused(f"{VARIABLE}={path} cannot be used: {reason}.", USAGE) from None
    if not isinstance(told, dict):
        raise Refused(f"{VARIABLE}={path} cannot be used: it holds no table.", USAGE)
    return told
