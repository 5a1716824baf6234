"""Prices: of one's own table, and of genai-prices."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_step
from tests.otlp.making import from_cassette
from tests.projection.recorded import needs_recordings, recordings
from tfclient.errors import BadPrices, PackageMissing
from tfclient.prices import prices
from tfstore.document.documents import Step, Usage
from tfstore.reading.calls.costs import Cost, cost_of_session


def a_call(served: str | None = "gpt-4.1", usage: Usage | None = None, **started: Any) -> Step:
    return a_step(
        "assistant_call", model=served, usage=usage or Usage(1_000_000, 100_000, 400_000), started=started
    )


def table(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_demo_costs_what_receivers_say_it_does() -> None:
    cost = cost_of_session(from_cassette("demo"), prices())

    assert round(cost.dollars, 8) == 0.00554895
    assert (cost.calls, cost.unpriced) == (7, 0)


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    own = prices(
        table(
            tmp_path, {"gpt-4.1": {"input": 2, "output": 8, "cached": 0.5}, "mine": {"input": 1, "output": 0}}
        )
    )

    assert own(a_call()) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 8)
    assert own(a_call("served-0809", model="mine")) == 1.0
    assert own(a_call("nobody's")) is None
    assert own(a_call("gpt-4o", Usage(10, 10))) is not None
    assert prices(table(tmp_path, {}), built_in=False)(a_call()) is None


def test_tokens_of_audio_cost_what_they_cost(tmp_path: Path) -> None:
    spoken = a_call(
        "mine", Usage(1_000_000, 1_000_000, audio_input_tokens=500_000, audio_output_tokens=250_000)
    )
    texts = {"input": 2, "output": 8}

    assert prices(table(tmp_path, {"mine": texts}), built_in=False)(spoken) is None
    own = prices(table(tmp_path, {"mine": texts | {"audio_input": 10, "audio_output": 40}}), built_in=False)
    assert own(spoken) == pytest.approx(0.5 * 2 + 0.5 * 10 + 0.75 * 8 + 0.25 * 40)
    heard = prices()(
        a_call("gpt-realtime", Usage(1000, 1000, audio_input_tokens=800, audio_output_tokens=900))
    )
    assert heard is not None
    assert heard > (prices()(a_call("gpt-realtime", Usage(1000, 1000))) or 0)


@pytest.mark.parametrize("usage", [Usage(10, 1, cached_tokens=20), Usage(-1, 1), Usage(1, -1)])
def test_tokens_that_no_call_can_have_used_have_no_price(usage: Usage) -> None:
    assert prices()(a_call(usage=usage)) is None


@pytest.mark.parametrize(
    "step",
    [
        a_call("gpt-4.1", Usage(10**30, 5)),
        a_call(None),
        a_call(""),
        a_call("x" * 10_000),
        a_call("gpt\x00\ud800"),
    ],
)
def test_whatever_a_document_says_is_no_error(step: Step) -> None:
    price = prices()(step)

    assert price is None or price > 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "it is no JSON"),
        ([], "it is no object"),
        ({"m": 7}, "is no price"),
        ({"m": {"input": 1}}, "is no price"),
        ({"m": {"input": 1, "output": 1, "other": 1}}, "is no price"),
        ({"m": {"input": -1, "output": 1}}, "is no number of dollars"),
        ({"m": {"input": "1", "output": 1}}, "is no number of dollars"),
        ({"m": {"input": True, "output": 1}}, "is no number of dollars"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(BadPrices, match=words):
        prices(table(tmp_path, content))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadPrices, match="cannot be read"):
        prices(tmp_path / "none.json")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)

    with pytest.raises(PackageMissing, match=r'pip install "tfclient\[cost\]"'):
        prices()
    assert prices(table(tmp_path, {}), built_in=False)(a_call()) is None


@needs_recordings
def test_most_calls_of_the_recordings_have_a_price() -> None:
    price, whole = prices(), Cost()
    for recording in recordings():
        whole.add(cost_of_session(recording.session, price))

    assert whole.calls > 900
    assert whole.unpriced < whole.calls / 10
