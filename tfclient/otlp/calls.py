"""The attributes of a model call's span, and of a call to another endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from tfclient.otlp import conventions as name
from tfclient.otlp.parts import Reader, as_json, fit
from tfclient.otlp.span import Attributes
from tfstore.document.documents import Step
from tfstore.document.played import is_played
from tfstore.reading.step_text import text_of

Price = Callable[[Step], "float | None"]
"""Dollars of a call, None where no price is known."""

_APIS: Final = {"responses.request": "responses", "chat.completions.request": "chat_completions"}
_OTHERS: Final = {"api.embeddings.create": name.EMBEDDINGS, "completions.request": name.TEXT_COMPLETION}


def operation_of(step: Step) -> str:
    """Return what a call does: ``chat``, ``text_completion``, ``embeddings``; nothing where there is no word for it."""
    return _OTHERS.get(step.type, name.CHAT if step.label == "assistant_call" else "")


def name_of(step: Step) -> str:
    """Return the name of a call's span: ``chat gpt-5-mini``."""
    called = operation_of(step) or step.type.removeprefix("api.") or step.label
    return fit(f"{called} {_text(step.payload_started.get('model')) or step.model or ''}".strip())


def attributes_of_call(step: Step, price: Price | None) -> Attributes:
    """Return what a call's span says, but for its content."""
    made: Attributes = {name.STATUS: step.status}
    started = step.payload_started
    if operation := operation_of(step):
        made[name.OPERATION] = operation
        made[name.PROVIDER] = provider_of(step)
    if api := _APIS.get(step.type):
        made[name.API_TYPE] = api
    made |= _server(started.get("host"))
    if model := _text(started.get("model")) or (step.model if step.label != "assistant_call" else ""):
        made[name.REQUEST_MODEL] = fit(model)
    made |= _request(step)
    made |= _response(step, price)
    return made


def provider_of(step: Step) -> str:
    """Return who served a call, by the conventions' name."""
    provider = _text(step.payload_started.get("provider"))
    return name.PROVIDERS.get(provider, provider) or name.UNKNOWN_PROVIDER


def _server(host: Any) -> Attributes:
    if not isinstance(host, str) or not host:
        return {}
    address, colon, port = host.rpartition(":")
    if colon and port.isdecimal() and len(port) <= 5 and not address.endswith(":"):
        return {name.SERVER_ADDRESS: fit(address.strip("[]")), name.SERVER_PORT: int(port)}
    return {name.SERVER_ADDRESS: fit(host)}


def _request(step: Step) -> Attributes:
    given = step.payload_started.get("arguments")
    made: Attributes = {}
    if not isinstance(given, dict) or step.label != "assistant_call":
        return made
    for argument, attribute in name.REQUEST.items():
        value: Any = given.get(argument)
        if isinstance(value, bool) if argument == "stream" else _is_number(value):
            made[attribute] = int(value) if attribute in name.WHOLE_NUMBERS else value
    if isinstance(stop := given.get("stop"), str | list):
        made[name.STOP] = [fit(str(each)) for each in (stop if isinstance(stop, list) else [stop])]
    reasoning = given.get("reasoning")
    level = reasoning.get("effort") if isinstance(reasoning, dict) else given.get("reasoning_effort")
    if isinstance(level, str):
        made[name.REASONING_LEVEL] = fit(level)
    if isinstance(tier := given.get("service_tier"), str):
        made[name.REQUEST_TIER] = fit(tier)
    if step.previous_response_id:
        made[name.PREVIOUS_RESPONSE] = fit(step.previous_response_id)
    return made


def _response(step: Step, price: Price | None) -> Attributes:
    made: Attributes = {}
    for attribute, value in (
        (name.RESPONSE_ID, step.response_id),
        # The served model stands there only where the server said it; else the step has the one that was asked for.
        (name.RESPONSE_MODEL, step.model if step.response_id or step.usage else None),
        (name.ENDING, step.ending),
    ):
        if value:
            made[attribute] = fit(value)
    if step.finish_reason:
        made[name.FINISH_REASONS] = [fit(step.finish_reason)]
    if step.retries:
        made[name.RETRIES] = step.retries
    tier = step.payload_completed.get("response")
    if isinstance(tier, dict) and isinstance(tier.get("service_tier"), str):
        made[name.RESPONSE_TIER] = fit(tier["service_tier"])
    if step.latency is not None and step.latency.first_event_ms is not None:
        made[name.FIRST_CHUNK] = step.latency.first_event_ms / 1000
    if step.latency is not None and step.latency.first_text_ms is not None and step.started_at:
        began = nanoseconds(step.started_at)
        if began is not None:
            moment = datetime.fromtimestamp(began / 1e9 + step.latency.first_text_ms / 1000, UTC)
            made[name.COMPLETION_START] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if is_played(step):
        # It was spent when it was recorded, and counts in no total.
        made[name.PLAYED] = True
    elif step.usage is not None and step.label == "assistant_call":
        # Those of other endpoints are in no total: a response that is retrieved has the tokens that it was made with.
        usage = step.usage
        made |= {name.INPUT_TOKENS: usage.input_tokens, name.OUTPUT_TOKENS: usage.output_tokens}
        made |= {name.CACHED_TOKENS: usage.cached_tokens} if usage.cached_tokens else {}
        made |= {name.REASONING_TOKENS: usage.reasoning_tokens} if usage.reasoning_tokens else {}
        dollars = None if price is None else price(step)
        if dollars is not None:
            made |= dict.fromkeys(name.COSTS, dollars)
    return made


def endpoint_content(step: Step, reader: Reader) -> Attributes:
    """Return what a call to another endpoint sent and got, as far as that is text."""
    made: Attributes = {}
    if (given := step.payload_started.get("arguments")) is not None:
        made |= {name.INPUT_VALUE: as_json(reader.texts(given)), name.INPUT_TYPE: "application/json"}
    result = step.payload_completed.get("result")
    if isinstance(result, str) and result:
        made[name.OUTPUT_VALUE] = fit(result)
    elif step.payload_completed.get("body") is not None and step.error is not None:
        made[name.OUTPUT_VALUE] = fit(text_of(step))
    return made


def nanoseconds(written: str | None) -> int | None:
    """Return an ISO-8601 moment as nanoseconds since the epoch; None where it is none.

    Example:
        >>> nanoseconds("1970-01-01T00:00:01.500Z"), nanoseconds("yesterday")
        (1500000000, None)
    """
    try:
        moment = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    whole = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return max(whole, 0) * 1000


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
