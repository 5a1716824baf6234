"""Numbers as lines of Prometheus' text exposition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from attrs import field, frozen

Labels: TypeAlias = tuple[tuple[str, str], ...]
Values: TypeAlias = Mapping[Labels, float]

_LONGEST = 200


@frozen
class Spread:
    """The values of a histogram: how many up to each of its buckets, how many at all, and their sum."""

    upto: Mapping[float, int]
    count: int
    sum: float

    @classmethod
    def of(cls, counts: Mapping[str, int], bounds: Sequence[float], total: float) -> Spread:
        """Return that of values that are counted up to each bound, and beyond the one before; and their sum.

        Example:
            >>> Spread.of({"5": 2, "10": 1, "+Inf": 4}, (5, 10), 99).upto
            {5: 2, 10: 3}
        """
        upto = accumulate(counts.get(str(most), 0) for most in bounds)
        return cls(dict(zip(bounds, upto, strict=True)), sum(counts.values()), round(total, 3))


@frozen
class Metric:
    """What one number is called, and what it is, label by label.

    Example:
        >>> list(Metric("gauge", "runs", "Runs.", {(): 3}).lines())[1:]
        ['# TYPE thoughtflow_runs gauge', 'thoughtflow_runs 3']
    """

    kind: str
    name: str
    help: str
    values: Values = field(factory=dict[Labels, float])
    spreads: Mapping[Labels, Spread] = field(factory=dict[Labels, Spread])

    def lines(self) -> Iterator[str]:
        """Yield its lines, each without its end."""
        name = f"thoughtflow_{self.name}"
        yield f"# HELP {name} {self.help}"
        yield f"# TYPE {name} {self.kind}"
        for labels, value in self.values.items():
            yield f"{name}{told(labels)} {value}"
        for labels, spread in self.spreads.items():
            for most, count in spread.upto.items():
                yield f"{name}_bucket{told((*labels, ('le', str(most))))} {count}"
            yield f"{name}_bucket{told((*labels, ('le', '+Inf')))} {spread.count}"
            yield f"{name}_sum{told(labels)} {spread.sum}"
            yield f"{name}_count{told(labels)} {spread.count}"


def gauge(name: str, help_text: str, values: Values | float) -> Metric:
    """Return a number that may fall."""
    return Metric("gauge", name, help_text, values if isinstance(values, Mapping) else {(): values})


def counter(name: str, help_text: str, values: Values | float) -> Metric:
    """Return a number that only grows; its name ends with ``_total``."""
    return Metric("counter", name, help_text, values if isinstance(values, Mapping) else {(): values})


def histogram(name: str, help_text: str, spreads: Mapping[Labels, Spread]) -> Metric:
    """Return how values are spread."""
    return Metric("histogram", name, help_text, spreads=spreads)


def by(label: str, counts: Mapping[str, int]) -> dict[Labels, float]:
    """Return counts with their names for a label."""
    return {((label, name),): count for name, count in sorted(counts.items())}


def told(labels: Labels) -> str:
    """Return labels as they stand behind a name."""
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    plain = value.encode("utf-8", "replace").decode()[:_LONGEST]
    return plain.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
