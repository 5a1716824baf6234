"""Runs the benchmarks beside this file: ``make bench``.

Each of them measures one promise about what recording costs. Shares compare a client with recording and one
without, by turns in the same run, so that the machine matters little; absolute times are told beside them.
Nothing here is a test: the numbers are to be looked at.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import openai

from tests.bench.figures import Figure

PROMISES = (
    *(
        "the_whole",
        "a_call",
        "a_stream",
        "a_socket",
        "an_hour",
        "an_image",
        "async_tasks",
        "stalls",
        "importing",
    ),
    *("the_least", "memory", "resent", "big_session", "closing", "finding", "reflecting", "exporting"),
)


def main() -> None:
    """Measure what the command line names, print it, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What recording costs.")
    parser.add_argument("promise", nargs="*", choices=[[], *PROMISES], help="only these (all of them)")
    parser.add_argument("--long", action="store_true", help="more runs and larger sizes; some minutes")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), metavar="FILE")
    asked = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {}
    for name in asked.promise or PROMISES:
        module = importlib.import_module(f"tests.bench.{name}")
        began = time.monotonic()
        print(f"\n{(module.__doc__ or name).splitlines()[0]}", flush=True)  # noqa: T201 - its output is what it is for
        found: list[Figure] = []
        for figure in module.measure(long=asked.long):
            found.append(figure)
            print("  {:72} {:>12} {:>12}  {}".format(*figure.row()), flush=True)  # noqa: T201
        results[name] = [{**attrs.asdict(figure), "kept": figure.kept} for figure in found]
        print(f"  ({time.monotonic() - began:.1f} s)", flush=True)  # noqa: T201
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "python": platform.python_version(),
        "openai": openai.__version__,
        "machine": f"{sys.platform}-{platform.machine()}",
        "long": asked.long,
    }
    asked.json.write_text(json.dumps({"about": about, "results": results}, indent=1) + "\n")


main()
