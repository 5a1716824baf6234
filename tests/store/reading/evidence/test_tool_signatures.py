"""Tools as a programmer reads them, of both APIs and of those that the provider runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.recorded import needs_recordings, recordings
from tfstore.reading.evidence.tool_signatures import signatures

SCHEMA = {"type": "object", "properties": {"city": {}, "day": {}}, "required": ["city"]}


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ({"type": "function", "name": "get", "parameters": SCHEMA}, "get(city,day?)"),
        ({"type": "function", "function": {"name": "get", "parameters": SCHEMA}}, "get(city,day?)"),
        ({"name": "get", "parameters": SCHEMA}, "get(city,day?)"),
        ({"name": "get", "input_schema": SCHEMA}, "get(city,day?)"),
        ({"type": "function", "name": "now"}, "now()"),
        ({"type": "function", "name": "now", "parameters": {"blob": "sha256:ab"}}, "now()"),
        ({"type": "custom", "name": "code"}, "custom:code"),
        ({"type": "custom", "custom": {"name": "code"}}, "custom:code"),
        ({"type": "mcp", "server_label": "wiki"}, "mcp:wiki"),
        ({"type": "web_search"}, "web_search"),
        ({"type": "function", "function": "odd"}, "function"),
        ({}, "function"),
        ("odd", "odd"),
        (None, "None"),
    ],
)
def test_what_a_tool_is_called_and_takes(tool: Any, said: str) -> None:
    assert list(signatures([tool])) == [said]


@needs_recordings
def test_every_tool_of_real_traffic_has_its_name() -> None:
    seen = 0
    for recording in recordings():
        for run in recording.session.runs:
            for step in run.steps:
                tools = step.payload_started.get("tools")
                if step.label != "tool.schemas.snapshot" or not isinstance(tools, list):
                    continue
                for name, said in zip(step.payload_started["names"], signatures(tools), strict=True):
                    assert str(name) in said
                    seen += 1
    assert seen > 300
