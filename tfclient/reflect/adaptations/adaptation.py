"""An adaptation: a sentence or two that instructions are to gain, and what it rests on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen

from tfclient.errors import SettingError
from tfclient.reflect.lessons.given import without_given
from tfclient.reflect.quoting import OBEYED
from tfstore.document.documents import Json

Status: TypeAlias = Literal["proposed", "confirmed", "rejected", "used", "kept", "dropped"]

GIVEN: Final = frozenset({"confirmed", "used", "kept"})
"""Those that are given out."""

ANY: Final = "any"

TITLE: Final = 120
TEXT: Final = 1_000
NAME: Final = 60
"""Characters at most: of a title, of a text, and of who says it."""

_VERSION: Final = 12


@frozen
class Adaptation:
    """A change of instructions, in its latest version.

    ``because`` are ``session#step``, ``session#finding`` and lessons; ``instructions`` is the beginning of the version
    that it is for, or ``any``; ``tools`` those of which one must be at hand, none for any. ``history`` is all that
    happened, the earliest first, with the text of every version.
    """

    adaptation_id: str
    title: str
    text: str
    because: tuple[str, ...] = ()
    instructions: str = ANY
    tools: tuple[str, ...] = ()
    status: Status = "proposed"
    version: int = 1
    proposed_by: str = ""
    proposed_at: str = ""
    confirmed_by: str = ""
    confirmed_at: str = ""
    history: tuple[Json, ...] = ()

    @property
    def is_given(self) -> bool:
        """Whether it is given out: a person confirmed it, and nobody dropped it since."""
        return self.status in GIVEN


def adaptation_from(row: Json) -> Adaptation:
    """Return the adaptation that a row of ``adaptations.json`` holds."""
    return Adaptation(
        adaptation_id=row["adaptation_id"],
        title=row["title"],
        text=row["text"],
        because=tuple(row["because"]),
        instructions=row["applies_to"]["instructions"],
        tools=tuple(row["applies_to"]["tools"]),
        status=row["status"],
        version=row["version"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        confirmed_by=row["confirmed_by"],
        confirmed_at=row["confirmed_at"],
        history=tuple(row["history"]),
    )


def adaptation_id(title: str, text: str, instructions: str, tools: Sequence[str]) -> str:
    """Return the id of an adaptation: the same proposal has the same.

    Example:
        >>> adaptation_id("Add up first", "Call calculate before you pay.", "any", ["pay"])
        'A-68cf9df9'
    """
    words = json.dumps([title, text, instructions, sorted(tools)], ensure_ascii=False)
    return f"A-{hashlib.sha256(words.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def base_version(instructions: str) -> str:
    r"""Return what tells one version of instructions from another, without what was given with them.

    Example:
        >>> given = '\n<adaptations source="thoughtflow">\n- Add up. [A-1a2b3c4d]\n</adaptations>'
        >>> base_version("Be kind." + given) == base_version("Be kind."), base_version("Be kind.")
        (True, '5499befb38db')
    """
    plain = without_given(instructions).strip()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:_VERSION]


def in_line(name: str, said: str, most: int) -> str:
    r"""Return what was said on one line.

    Raises:
        SettingError: it says nothing, is too long, or holds characters that a reader would obey.

    Example:
        >>> in_line("title", " Add up\n first ", 120)
        'Add up first'
    """
    line = " ".join(said.split())
    if not line:
        raise SettingError(name, said, "some words")
    if len(line) > most:
        raise SettingError(name, f"{line[:40]}…", f"at most {most:,} characters, not {len(line):,}")
    if OBEYED.search(line):
        raise SettingError(name, said[:most], "text without control characters")
    return line
