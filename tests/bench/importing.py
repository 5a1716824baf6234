"""``import tfclient``: at most 60 ms over ``import openai``."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.figures import Figure

_CODE = """
import time
import openai
began = time.process_time()
import tfclient
{more}
print((time.process_time() - began) * 1000)
"""


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure in fresh processes: the import, and the import with a client made."""
    times = 15 if long else 5
    for what, more, limit in (
        ("import tfclient after import openai: CPU", "tfclient.TracedOpenAI", 60),
        (
            "the same, and a client and its recorder made",
            "tfclient.TracedOpenAI(api_key='sk').recorder",
            None,
        ),
    ):
        code = _CODE.format(more=more)
        taken = [float(_printed(code)) for _ in range(times)]
        yield Figure(what, statistics.median(taken), "ms", limit)


def _printed(code: str) -> str:
    return subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
