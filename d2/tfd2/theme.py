"""How things look: label → class, and class → shape and style.

The colours are told apart by people who see few of them (Okabe-Ito), and no distinction rests on colour
alone: it is a word, a shape or a dash as well. Fill and font colour are both set, so that a viewer's dark
theme cannot make a text vanish.
"""

from __future__ import annotations

from typing import Final

Style = dict[str, str | int | bool]


_LOOKS: Final = {
    "user_message": "user",
    "assistant_call": "call",
    "reasoning": "reasoning",
    "tool_call": "tool",
    "tool_output": "output",
    "tool_error": "error",
    "approval_request": "approval",
    "approval_response": "approval",
    "assistant_message": "answer",
    "policy.snapshot": "page",
    "tool.schemas.snapshot": "page",
    "context.snapshot": "page",
}

LEGEND: Final[dict[str, str]] = {
    "user": "USER",
    "call": "MODEL",
    "reasoning": "REASONING",
    "tool": "CALL",
    "output": "OUTPUT",
    "error": "ERROR",
    "unfinished": "not finished",
    "loop": "the same again and again",
    "approval": "APPROVAL",
    "answer": "ASSISTANT",
    "page": "INSTRUCTIONS, TOOLS, HISTORY",
    "other": "anything else",
}


def _shape(
    fill: str, stroke: str, font: str, *, width: int = 2, shape: str = "", **more: str | int | bool
) -> Style:
    style: Style = {"shape": shape} if shape else {}
    style |= {"fill": fill, "stroke": stroke, "stroke-width": width, "font-color": font}
    style |= {"font-size": 15, "bold": False}
    return style | {name.replace("_", "-"): value for name, value in more.items()}


def _line(stroke: str, font: str, *, width: int = 2, dash: int = 0, bold: bool = False) -> Style:
    style: Style = {"stroke": stroke, "stroke-width": width, "font-color": font, "font-size": 14}
    style |= {"stroke-dash": dash} if dash else {}
    return style | {"italic": False, "bold": bold}


CLASSES: Final[dict[str, Style]] = {
    # Steps.
    "user": _shape("#E3F1FB", "#0072B2", "#10202B", shape="callout"),
    "call": _shape("#EFEFF4", "#4A4A68", "#1B1B2A", shape="hexagon"),
    "reasoning": _shape("#FBFBFD", "#7A7A8C", "#33333F", stroke_dash=4, border_radius=16, italic=True),
    "tool": _shape("#FDF3DC", "#B77F00", "#2E2100", shape="step"),
    "output": _shape("#E2F4EE", "#00805F", "#06281E", shape="document"),
    "error": _shape(
        "#FCE4D9", "#B23C00", "#4A1800", width=4, shape="rectangle", double_border=True, bold=True
    ),
    "approval": _shape("#F5EDF3", "#9A4F7F", "#3A1730", shape="parallelogram"),
    "answer": _shape("#DCEBF7", "#0072B2", "#10202B", width=3, border_radius=12),
    "page": _shape("#F7F7F8", "#B4B4BE", "#5A5A66", width=1, shape="page", font_size=13),
    "other": _shape("#F4F4F6", "#6B6B7B", "#26262F", border_radius=4),
    # Laid over the look of a step that has not ended, or not as it should.
    "unfinished": {"stroke": "#B23C00", "stroke-width": 3, "stroke-dash": 5, "bold": True},
    # A loop, and what one answer of a model gave.
    "loop": _shape("#FDF3DC", "#B77F00", "#2E2100", width=3, multiple=True),
    "loop_failed": _shape("#FCE4D9", "#B23C00", "#4A1800", width=4, multiple=True, bold=True),
    "group": _shape("#FFFFFF", "#DEE1EB", "#33333F", width=1, border_radius=8),
    # Runs, as containers and as cards.
    "run": _shape("#FFFFFF", "#8A8A99", "#1B1B2A", border_radius=8, font_size=20, bold=True, underline=True),
    "run_warn": _shape(
        "#FFFDF7", "#B77F00", "#2E2100", width=3, border_radius=8, font_size=20, bold=True, underline=True
    ),
    "run_failed": _shape(
        "#FFF8F5", "#B23C00", "#4A1800", width=4, border_radius=8, font_size=20, bold=True, underline=True
    ),
    "card": _shape("#F4F8FB", "#4A6C86", "#1B1B2A", border_radius=8, font_size=14),
    "card_warn": _shape("#FDF3DC", "#B77F00", "#2E2100", width=3, border_radius=8, font_size=14),
    "card_failed": _shape(
        "#FCE4D9", "#B23C00", "#4A1800", width=4, border_radius=8, double_border=True, bold=True, font_size=14
    ),
    # Around them.
    "title": {"shape": "text", "font-size": 22, "bold": True, "font-color": "#1B1B2A"},
    "note": _shape("#F7F7F8", "#6B6B7B", "#26262F", shape="page"),
    "stub": _shape("#FFFFFF", "#0072B2", "#005580", stroke_dash=6, border_radius=999, underline=True),
    "nav": _shape("#FFFFFF", "#0072B2", "#0072B2", width=1, border_radius=999, font_size=14, underline=True),
    "plain": {"fill": "transparent", "stroke-width": 0, "font-size": 14},
    # Edges.
    "dep": _line("#5A5A6A", "#33333F"),
    "quiet": _line("#B4B4BE", "#5A5A66", width=1),
    "prev": _line("#0072B2", "#005580", width=3, dash=6),
    "retry": _line("#B23C00", "#B23C00", dash=3),
    "lineage": _line("#9A4F7F", "#7A2F5F", width=1, dash=2),
    "unseen": {"opacity": 0},
    "nothing": {"opacity": 0, "fill": "#FFFFFF", "stroke": "#FFFFFF"},
    # Who sends, and messages, on the timeline.
    "actor": _shape("#F4F4F6", "#8A8A99", "#1B1B2A", border_radius=4),
    "msg": _line("#4A4A68", "#1B1B2A"),
    "msg_tool": _line("#8A6000", "#2E2100"),
    "msg_out": _line("#00805F", "#06281E", dash=3),
    "msg_err": _line("#B23C00", "#8A2E00", width=4, bold=True),
}

DARK: Final[dict[str, str]] = {
    "#e3f1fb": "#10293b", "#0072b2": "#56b4e9", "#10202b": "#d6ecfa", "#efeff4": "#26263a",
    "#4a4a68": "#9d9dc6", "#1b1b2a": "#e9e9f1", "#fbfbfd": "#1d1d25", "#7a7a8c": "#8c8c9f",
    "#33333f": "#c9c9d6", "#fdf3dc": "#33280d", "#b77f00": "#dba32b", "#2e2100": "#f7e7bc",
    "#e2f4ee": "#0d2e25", "#00805f": "#2fbf95", "#06281e": "#cff3e6", "#fce4d9": "#431a09",
    "#b23c00": "#ff7a45", "#4a1800": "#ffd9c7", "#f5edf3": "#31192b", "#9a4f7f": "#d287b6",
    "#3a1730": "#f3ddeb", "#dcebf7": "#10293f", "#f7f7f8": "#22222a", "#b4b4be": "#5c5c6a",
    "#5a5a66": "#b4b4c0", "#f4f4f6": "#22222a", "#6b6b7b": "#8c8c9c", "#26262f": "#d5d5de",
    "#ffffff": "#1a1a22", "#8a8a99": "#5c5c6c", "#fffdf7": "#1b1a17", "#fff8f5": "#211613",
    "#f4f8fb": "#182129", "#4a6c86": "#6c93b2", "#005580": "#8fcdf3", "#5a5a6a": "#8c8c9c",
    "#7a2f5f": "#d79cc0", "#8a6000": "#dba32b", "#8a2e00": "#ff9a70", "#f7f7fa": "#1c1c24",
    "#dee1eb": "#3a3a47", "#0a0f25": "#e9e9f1", "#676c7e": "#9797a8", "#0d32b2": "#8c8c9c",
    "#eef1f8": "#22222a",
}  # fmt: skip
"""Each colour of a picture, D2's own among them, as it is where dark ones are preferred: as on the page."""


def look_of(label: str) -> str:
    """Return the class that steps of this label are drawn in."""
    return _LOOKS.get(label, "other")
