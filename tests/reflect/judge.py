"""Lists the firings on real sessions that nobody has judged yet: ``python -m tests.reflect.judge``.

``--right`` writes them down as right; what is wrong is then to be set to false by hand.
"""

from __future__ import annotations

import json
import sys

from tests.reflect.test_real_things import JUDGED, firings, judged, key_of


def main() -> None:
    """Print what has not been judged, and write it down if asked to."""
    old = judged() if JUDGED.exists() else {}
    rows: dict[tuple[str, ...], bool] = {}
    for source in ("recordings", "trajectories"):
        for name, finding in firings(source):
            key = key_of(name, finding)
            rows[key] = old.get(key, True)
            if key not in old:
                print(source, name, finding.severity, finding.kind, finding.steps[:4], finding.says)  # noqa: T201
    if "--right" in sys.argv[1:]:
        lines = [json.dumps([key[0], key[1], list(key[2:]), right]) for key, right in sorted(rows.items())]
        JUDGED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
