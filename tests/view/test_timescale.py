"""The timeline's axis, by the page's own script: round times, told exactly."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import tfclient.view

playwright = pytest.importorskip("playwright", reason="playwright, which brings node, is not installed")
NODE = Path(str(playwright.__file__)).parent / "driver" / "node"
STATIC = Path(tfclient.view.__file__).parent / "static"
UNITS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000}

_MAIN = """
import { tickWords, timescale } from "./timescale.js";
const spans = JSON.parse(process.argv[2]);
const told = [...timescale(spans, 1).ticks.map((tick) => tick.ms), ...JSON.parse(process.argv[3])];
process.stdout.write(JSON.stringify(told.map((ms) => [ms, tickWords(ms)])));
"""


def test_a_tick_is_told_as_long_as_it_is(tmp_path: Path) -> None:
    if not NODE.exists():
        pytest.skip("playwright has no node here")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "timescale.js").write_text((STATIC / "timescale.js").read_text())
    (tmp_path / "main.js").write_text(_MAIN)
    times = [0, 999, 1_250, 59_999, 60_000, 119_600, 119_999, 3_599_999, 3_600_000, 5_400_000, 172_800_000]
    command = [str(NODE), "main.js", json.dumps([[0, 130_000]]), json.dumps(times)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    told = json.loads(done.stdout)
    assert len(told) > len(times) + 3
    for ms, words in told:
        parts = words.split()
        assert sum(
            float(n) * UNITS[unit] for n, unit in zip(parts[::2], parts[1::2], strict=False)
        ) == pytest.approx(ms)
    assert [words for ms, words in told if ms in {0, 119_600, 5_400_000}][-2:] == [
        "1 min 59.6 s",
        "1 h 30 min",
    ]
