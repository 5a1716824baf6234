"""What went together with an adaptation, as a table of two sides."""

from __future__ import annotations

from collections.abc import Iterator

from tfclient.reflect.adaptations.adaptation import Adaptation
from tfclient.reflect.adaptations.effect import FEW, Effect, Side
from tfclient.reflect.quoting import escaped
from tfstore.reading.figures import duration

_NAMES = 26


def effect_lines(adaptation: Adaptation, effect: Effect) -> Iterator[str]:
    """Yield the lines of an effect, what is to be thought of it last."""
    yield f"{adaptation.adaptation_id} {adaptation.status} · {escaped(adaptation.title)}"
    before, after = effect.without, effect.with_it
    yield _row("", "without it", "with it")
    yield _row("sessions", f"{before.sessions:,}", f"{after.sessions:,}")
    if before.sessions and after.sessions:
        yield _row("with an error", *_shares(before.with_error, after.with_error, before, after), effect.p)
        yield _row("tool errors, mean", f"{before.tool_errors:.2f}", f"{after.tool_errors:.2f}")
        yield _row("model calls, mean", f"{before.model_calls:.2f}", f"{after.model_calls:.2f}")
        yield _row("tokens, mean", f"{before.tokens:,.0f}", f"{after.tokens:,.0f}")
        yield _row("time, median", _time(before), _time(after))
        for kind, p in effect.p_of.items():
            counts = before.kinds.get(kind, 0), after.kinds.get(kind, 0)
            yield _row(kind, *_shares(*counts, before, after), p)
    yield _conclusion(effect)
    for each in effect.changed:
        yield f"Also different: {escaped(each)}."
    for each in effect.left_out:
        yield f"{each}."


def _conclusion(effect: Effect) -> str:
    before, after = effect.without, effect.with_it
    if not after.sessions:
        return "No session with it can be compared."
    if not before.sessions:
        return "No session without it can be compared."
    if effect.p is None:
        return f"Too few to tell anything: {FEW} sessions a side are needed."
    shares = before.with_error / before.sessions, after.with_error / after.sessions
    if shares[0] == shares[1]:
        return "It went together with as many errors as without it."
    words = "fewer" if shares[1] < shares[0] else "more"
    return (
        f"It went together with {words} errors; p is how often chance alone does that, or more. "
        "What caused it, the record does not say."
    )


def _row(name: str, before: str, after: str, p: float | None = None) -> str:
    said = f"{name:<{_NAMES}} {before:>14} {after:>14}"
    return f"{said}  p {_p(p)}" if p is not None else said.rstrip()


def _shares(before: int, after: int, first: Side, second: Side) -> tuple[str, str]:
    return f"{before:,} ({before / first.sessions:.0%})", f"{after:,} ({after / second.sessions:.0%})"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _time(side: Side) -> str:
    return duration(None if side.duration_ms is None else int(side.duration_ms)) or "-"
