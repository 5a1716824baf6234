"""Runs every benchmark beside this file: ``make bench``.

Each module has ``measure()``, giving ``{name: value}``: ratios of two things measured in the same run, so that
the machine does not matter, and times for orientation.
"""

from __future__ import annotations

import importlib
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
    print(path.stem)  # noqa: T201 - its output is what it is for
    for name, value in importlib.import_module(f"tests.bench.{path.stem}").measure().items():
        print(f"  {name:48} {value}")  # noqa: T201
