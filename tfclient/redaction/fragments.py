"""The end of a JSON document, cut off between two members: read as if its beginning were there.

Request bodies that repeat an earlier one are redacted from where they differ, so that what comes here may be
``,{"role":"user",…}],"tools":[…]}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tfclient.redaction.marks import JSON
from tfclient.redaction.walk import NotJSON, dump, parse

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_OPENED: Final = {"]": "[", "}": '{"…":'}


def clean_fragment(text: str, clean: Callable[[JSON], JSON]) -> str:
    """Give what is kept of a fragment, written compactly.

    Args:
        text: The fragment, beginning with a comma.
        clean: Gives what is kept of a JSON value, in the same structure.

    Raises:
        NotJSON: It is no end of a JSON document.

    Example:
        >>> clean_fragment(',{"b": 2}], "n": 1}', lambda value: value)
        ',{"b":2}],"n":1}'
    """
    if not text.startswith(","):
        raise NotJSON("a fragment begins with a comma")
    # What is closed without having been opened was opened in the part that is missing.
    depth = 0
    missing: list[str] = []
    for match in _TOKEN.finditer(text):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            if depth:
                depth -= 1
            else:
                missing.append(match[0])
    if not missing:
        raise NotJSON("nothing of it was begun before")
    # Before the comma stood an element or a member.
    beginning = "".join(_OPENED[closed] for closed in reversed(missing)) + "0"
    kept = dump(clean(parse(beginning + text)))
    if not kept.startswith(beginning):
        raise NotJSON("its beginning did not stay")
    return kept[len(beginning) :]
