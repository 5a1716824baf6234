"""What a token costs: from a table of one's own, or from ``genai-prices`` (``pip install "tfclient[cost]"``).

Nothing here is imported, and no table read, unless somebody asks for costs; nothing asks a network.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfclient.errors import BadPrices, PackageMissing

if TYPE_CHECKING:
    from tfstore.document.documents import Step, Usage

_MILLION: Final = 1_000_000
_NAMES: Final = frozenset({"input", "output", "cached", "audio_input", "audio_output"})
_LARGEST: Final = 10_000_000


@frozen
class Price:
    """Dollars for a million tokens; without ``cached``, those cost what others do."""

    input: float
    output: float
    cached: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None

    def of(self, usage: Usage) -> float | None:
        """Return what these tokens cost; None where there are some of audio and their price is not said."""
        heard, spoken = usage.audio_input_tokens, usage.audio_output_tokens
        if (heard and self.audio_input is None) or (spoken and self.audio_output is None):
            return None
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - heard - usage.cached_tokens
        texts = (
            fresh * self.input + usage.cached_tokens * cached + (usage.output_tokens - spoken) * self.output
        )
        return (texts + heard * (self.audio_input or 0) + spoken * (self.audio_output or 0)) / _MILLION


def prices(file: Path | None = None, *, built_in: bool = True) -> Callable[[Step], float | None]:
    """Return what tells the dollars of a model call, None where no price is known.

    Args:
        file: a table of one's own, which comes first.
        built_in: also ask ``genai-prices``.

    Raises:
        BadPrices: the file is none.
        PackageMissing: ``genai-prices`` is asked for and not installed.

    Example:
        >>> import tempfile
        >>> from tfstore.document.documents import Step, Usage
        >>> table = Path(tempfile.mkdtemp()) / "prices.json"
        >>> _ = table.write_text('{"gpt-5": {"input": 1.25, "output": 10}}', encoding="utf-8")
        >>> step = Step("step_1_1", 1, "assistant_call", "responses.request", model="gpt-5", usage=Usage(1000, 100))
        >>> prices(table, built_in=False)(step)
        0.00225
    """
    own = {} if file is None else read_prices(file)
    known = _built_in() if built_in else None

    def price(step: Step) -> float | None:
        usage = step.usage
        if (
            usage is None
            or usage.cached_tokens > usage.input_tokens
            or min(usage.input_tokens, usage.output_tokens) < 0
        ):
            # What no call can have used costs nobody knows what.
            return None
        asked_for = step.payload_started.get("model")
        for name in (step.model, asked_for):
            if isinstance(name, str) and name in own:
                return own[name].of(usage)
        return None if known is None else known(step, usage)

    return price


def read_prices(file: Path) -> dict[str, Price]:
    """Return the prices of a table: a JSON object, for each model its ``input``, ``output`` and perhaps ``cached``.

    Raises:
        BadPrices: it cannot be read, or is something else.
    """
    form = 'it is to hold {"MODEL": {"input": 1.25, "output": 10, "cached": 0.125}, …}, dollars for a million tokens'
    try:
        if file.stat().st_size > _LARGEST:
            raise BadPrices(file, f"it is longer than {_LARGEST:,} bytes")
        held: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPrices(file, f"it cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError):
        raise BadPrices(file, f"it is no JSON: {form}") from None
    if not isinstance(held, dict):
        raise BadPrices(file, f"it is no object: {form}")
    found: dict[str, Price] = {}
    for model, told in held.items():
        if not isinstance(told, dict) or not {"input", "output"} <= told.keys() <= _NAMES:
            raise BadPrices(file, f"what it says of {model[:80]!r} is no price: {form}")
        if not all(_is_price(each) for each in told.values()):
            raise BadPrices(file, f"a price of {model[:80]!r} is no number of dollars: {form}")
        found[model] = Price(**{name: float(each) for name, each in told.items()})
    return found


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MILLION


def _built_in() -> Callable[[Step, Usage], float | None]:
    try:
        from genai_prices import Usage as Used
        from genai_prices import calc_price
    except ImportError:
        raise PackageMissing("telling costs", "cost") from None

    def price(step: Step, usage: Usage) -> float | None:
        names = dict.fromkeys((step.model, step.payload_started.get("model")))
        provider = step.payload_started.get("provider")
        used = Used(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens or None,
            input_audio_tokens=usage.audio_input_tokens or None,
            output_audio_tokens=usage.audio_output_tokens or None,
        )
        for name in names:
            if not isinstance(name, str):
                continue
            try:
                told = calc_price(
                    used,
                    name,
                    provider_id=provider if isinstance(provider, str) else None,
                    genai_request_timestamp=_moment(step.started_at),
                )
            except (LookupError, ValueError, TypeError, ArithmeticError):
                continue
            return float(told.total_price)
        return None

    return price


def _moment(written: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
