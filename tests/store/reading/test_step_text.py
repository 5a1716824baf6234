"""What a step says to a person, whatever its payload keeps it under."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_step
from tfstore.document.documents import ErrorInfo
from tfstore.reading.step_text import text_of

BLOB = {"blob": "sha256:00", "bytes": 3_072, "media_type": "audio/wav"}
PICTURE = {"type": "input_image", "image_url": {**BLOB, "media_type": "image/png"}}


@pytest.mark.parametrize(
    ("label", "fields", "text"),
    [
        ("user_message", {"started": {"text": "Hello"}}, "Hello"),
        (
            "user_message",
            {"started": {"text": "", "content": [{"type": "input_image"}]}},
            "[image]",
        ),
        (
            "user_message",
            {"started": {"text": "Look:", "content": [{"type": "input_text", "text": "Look:"}, PICTURE]}},
            "Look:\n[image: image/png, 3,072 bytes]",
        ),
        (
            "user_message",
            {"started": {"text": "[file: a.pdf]", "content": [{"type": "input_file", "filename": "a.pdf"}]}},
            "[file: a.pdf]",
        ),
        (
            "user_message",
            {
                "started": {
                    "text": "[image]",
                    "content": [{"type": "image_url", "image_url": {"url": "https://x.y/z"}}],
                }
            },
            "[image: https://x.y/z]",
        ),
        (
            "tool_output",
            {"completed": {"output": [PICTURE, {"type": "input_text", "text": "done"}]}},
            "[image: image/png, 3,072 bytes]\ndone",
        ),
        (
            "tool_output",
            {
                "completed": {
                    "output": [
                        {"type": "input_image", "image_url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="}
                    ]
                }
            },
            "[image: image/gif, 14 bytes]",
        ),
        ("tool_output", {"completed": {"output": [{"type": "city"}]}}, '[{"type": "city"}]'),
        ("assistant_message", {"completed": {"text": "Hi", "refusal": None}}, "Hi"),
        ("assistant_message", {"completed": {"text": "", "refusal": "No."}}, "No."),
        ("assistant_message", {"completed": {"text": "", "audio": {"transcript": "Hello"}}}, "Hello"),
        (
            "assistant_message",
            {"completed": {"text": "", "audio": {"data": BLOB}}},
            "[audio/wav, 3072 bytes]",
        ),
        ("reasoning", {"completed": {"text": "Hm.", "encrypted": {"bytes": 9}}}, "Hm."),
        ("reasoning", {"completed": {"encrypted": {"bytes": 2_508}}}, "[encrypted, 2508 bytes]"),
        ("reasoning", {"completed": {}}, ""),
        ("tool_call", {"started": {"arguments": {"city": "Ōsaka"}}}, '{"city": "Ōsaka"}'),
        ("tool_call", {"started": {"arguments": {}, "code": "1"}}, "{}"),
        ("tool_call", {"started": {"arguments": None, "code": "print(1)"}}, "print(1)"),
        ("tool_call", {"started": {"arguments": None, "revised_prompt": "A big cat"}}, "A big cat"),
        ("tool_output", {"completed": {"output": {"temp_c": 7}}}, '{"temp_c": 7}'),
        ("tool_error", {"completed": {"output": "no"}, "error": ErrorInfo("tool", "")}, "no"),
        ("tool_error", {"completed": {}, "error": ErrorInfo("tool", "boom")}, "boom"),
        ("tool.schemas.snapshot", {"started": {"names": ["a", "b"]}}, "a, b"),
        ("generic", {"completed": {"id": "file_1"}}, '{"id": "file_1"}'),
    ],
)
def test_what_a_step_says(label: str, fields: dict[str, Any], text: str) -> None:
    assert text_of(a_step(label, **fields)) == text
