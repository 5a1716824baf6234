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
    "user": "user message",
    "call": "model request",
    "reasoning": "reasoning",
    "tool": "tool call",
    "output": "tool output",
    "error": "error",
    "unfinished": "not finished",
    "approval": "approval",
    "answer": "assistant message",
    "page": "instructions, tools, history",
    "other": "anything else",
}

LEGEND_EDGES: Final[dict[str, str]] = {
    "dep": "depends on",
    "prev": "continues",
    "retry": "retry",
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
    # Runs, as containers and as cards.
    "run": _shape("#FFFFFF", "#8A8A99", "#1B1B2A", border_radius=8, font_size=20, bold=True),
    "run_warn": _shape("#FFFDF7", "#B77F00", "#2E2100", width=3, border_radius=8, font_size=20, bold=True),
    "run_failed": _shape("#FFF8F5", "#B23C00", "#4A1800", width=4, border_radius=8, font_size=20, bold=True),
    "card": _shape("#F4F8FB", "#4A6C86", "#1B1B2A", border_radius=8),
    "card_warn": _shape("#FDF3DC", "#B77F00", "#2E2100", width=3, border_radius=8),
    "card_failed": _shape(
        "#FCE4D9", "#B23C00", "#4A1800", width=4, border_radius=8, double_border=True, bold=True
    ),
    # Around them.
    "title": {"shape": "text", "font-size": 26, "bold": True, "font-color": "#1B1B2A"},
    "note": _shape("#F7F7F8", "#6B6B7B", "#26262F", shape="page"),
    "stub": _shape("#FFFFFF", "#0072B2", "#005580", stroke_dash=6, border_radius=999),
    "nav": _shape("#FFFFFF", "#0072B2", "#0072B2", width=1, border_radius=999, font_size=14, underline=True),
    "plain": {"fill": "transparent", "stroke-width": 0, "font-size": 14},
    # Edges.
    "dep": _line("#5A5A6A", "#33333F"),
    "quiet": _line("#B4B4BE", "#5A5A66", width=1),
    "prev": _line("#0072B2", "#005580", width=3, dash=6),
    "retry": _line("#B23C00", "#B23C00", dash=3),
    "lineage": _line("#9A4F7F", "#7A2F5F", width=1, dash=2),
    "unseen": {"opacity": 0},
    # Messages on the timeline.
    "msg": _line("#4A4A68", "#1B1B2A"),
    "msg_tool": _line("#8A6000", "#2E2100"),
    "msg_out": _line("#00805F", "#06281E", dash=3),
    "msg_err": _line("#B23C00", "#8A2E00", width=4, bold=True),
}


def look_of(label: str) -> str:
    """Return the class that steps of this label are drawn in."""
    return _LOOKS.get(label, "other")
