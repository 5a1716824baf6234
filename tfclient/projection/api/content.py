"""What a message's content says, and how it is kept: text as text, everything else as it was sent."""

from __future__ import annotations

from typing import Any

from tfstore.reading.content_parts import medium


def text_of_content(content: Any) -> str:
    """Return the text of a message's content, its text parts joined by newlines."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return str(content)
    texts = [part if isinstance(part, str) else _part_text(part) for part in content]
    return "\n".join(text for text in texts if text)


def _part_text(part: Any) -> str:
    if not isinstance(part, dict):
        return ""
    for key in ("text", "refusal", "transcript"):
        if isinstance(part.get(key), str):
            return str(part[key])
    return ""


def describe_parts(content: Any) -> str:
    """Return what a message without text was, as in ``[image]`` or ``[file: report.pdf]``."""
    if not isinstance(content, list):
        return ""
    words: list[str] = []
    for part in content:
        if not isinstance(part, dict):
            continue
        kind = str(part.get("type", "part"))
        inner = part.get("file") if isinstance(part.get("file"), dict) else part
        name = (inner or {}).get("filename") or (inner or {}).get("file_id")
        word = medium(part) or kind
        words.append(f"[{word}: {name}]" if name else f"[{word}]")
    return " ".join(words)


def kept_content(content: Any) -> dict[str, Any]:
    """Return what a payload must hold beside a message's text so that its content can be given back as sent.

    Nothing for a plain string; the part's type for one part that is text alone; else the content itself.

    Example:
        >>> kept_content([{"type": "input_text", "text": "Hello"}])
        {'parts_type': 'input_text'}
    """
    if isinstance(content, str):
        return {}
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        part = content[0]
        if set(part) == {"type", "text"} and isinstance(part["type"], str) and isinstance(part["text"], str):
            return {"parts_type": part["type"]}
    return {"content": content}
