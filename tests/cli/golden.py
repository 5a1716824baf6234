"""Golden outputs, reviewed as text. ``python -m tests.cli.golden`` writes them anew."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

from tests.cli.making import HOSTILE, NOW, WEATHER, a_store, going_on, hostile, run, weather

FOLDER = Path(__file__).with_name("golden")

OUTPUTS: dict[str, tuple[int, list[str]]] = {
    "list": (80, ["list"]),
    "list_wide": (200, ["list"]),
    "list_narrow": (50, ["list"]),
    "show": (80, ["show", WEATHER]),
    "show_wide": (160, ["show", WEATHER]),
    "show_narrow": (40, ["show", WEATHER]),
    "show_full": (80, ["show", WEATHER, "--full"]),
    "show_run": (80, ["show", WEATHER, "--run", "4"]),
    "show_call": (80, ["show", WEATHER, "--step", "1.4"]),
    "show_error": (80, ["show", WEATHER, "--step", "step_1_9"]),
    "show_transcript": (80, ["show", WEATHER, "--transcript"]),
    "why": (80, ["why", WEATHER]),
    "why_narrow": (40, ["why", WEATHER]),
    "why_hostile": (80, ["why", HOSTILE]),
    "search": (80, ["search", "bergen"]),
    "search_hostile": (80, ["search", "(x{9})|東|not", "--regex"]),
    "diff": (80, ["diff", f"{WEATHER}:1", f"{WEATHER}:4"]),
    "diff_sessions": (80, ["diff", HOSTILE, WEATHER]),
    "stats": (80, ["stats"]),
    "stats_model": (80, ["stats", "--by", "model"]),
    "stats_tool": (80, ["stats", "--by", "tool"]),
    "stats_narrow": (40, ["stats", "--by", "tool"]),
    "show_hostile": (80, ["show", HOSTILE]),
    "show_hostile_full": (80, ["show", HOSTILE, "--full"]),
    "show_hostile_transcript": (80, ["show", HOSTILE, "--transcript"]),
}


def golden(name: str) -> Path:
    """Return the path of a golden output."""
    return FOLDER / f"{name}.txt"


def main() -> None:
    """Write all golden outputs anew."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, patch("tfclient.cli.now.present", lambda: NOW):
        store = a_store(Path(folder), weather(), hostile(), going_on())
        for name, (columns, arguments) in OUTPUTS.items():
            outcome = run(*arguments, "--store", store.paths.root, columns=columns)
            golden(name).write_text(outcome.out, encoding="utf-8")


if __name__ == "__main__":
    main()
