"""What ``tfclient`` exports: sorted, complete, and there; and what asking for none of it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tfclient


def test_all_is_sorted_and_complete() -> None:
    public = {name for name in (*tfclient._HOMES, "open_store") if not name.startswith("_")}
    assert tfclient.__all__ == sorted(public)


@pytest.mark.parametrize("name", tfclient.__all__)
def test_each_name_is_there(name: str) -> None:
    assert getattr(tfclient, name).__name__ == name
    assert name in dir(tfclient)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TracedClosedAI'"):
        tfclient.TracedClosedAI  # type: ignore[attr-defined]  # noqa: B018


def test_reading_a_store_imports_no_client() -> None:
    script = "import sys, tfclient, tfclient.opening; sys.exit('openai' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", script]) == 0  # noqa: S603  # our own words
