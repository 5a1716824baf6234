"""The page's files: its JavaScript modules and styles as they are, or put together into one script.

The modules import each other by name only (``import { a, b } from "./other.js";``) and export only functions,
classes and constants, so putting them together is to turn each into a function that returns what it exports.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

ENTRY: Final = "main.js"
STYLES: Final = ("theme.css", "layout.css", "parts.css")
MEDIA_TYPES: Final = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


@cache
def assets() -> dict[str, str]:
    """Return the text of each of the page's files, by name."""
    folder = files("tfclient.view") / "static"
    return {
        each.name: each.read_text(encoding="utf-8")
        for each in folder.iterdir()
        if each.name.rpartition(".")[2] in MEDIA_TYPES
    }


def styles() -> str:
    """Return all styles as one sheet."""
    return "\n".join(assets()[name] for name in STYLES)


@cache
def script() -> str:
    """Return all modules as one script, each after those it imports."""
    done: dict[str, str] = {}
    _add(ENTRY, done, ())
    return "\n".join(['"use strict";', *done.values()])


def _add(name: str, done: dict[str, str], above: tuple[str, ...]) -> None:
    if name in done:
        return
    if name in above:
        raise ValueError(f"{' → '.join((*above, name))}: the page's modules import each other in a circle")
    text = assets()[name]
    for match in _IMPORT.finditer(text):
        _add(match[2], done, (*above, name))
    exported = ", ".join(match[2] for match in _EXPORT.finditer(text))
    body = _EXPORT.sub(r"\1", _IMPORT.sub(_taken, text))
    done[name] = f"const {_module(name)} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _taken(match: re.Match[str]) -> str:
    return f"const {{{match[1].replace(' as ', ': ')}}} = {_module(match[2])};\n"


def _module(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))
