"""The dashboard in ``ops``, made of the models of Grafana's SDK: ``python -m tests.ops.dashboard`` writes it.

In the form that every Grafana imports; version 2 of it is for the latest only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

FILE: Final = Path(__file__).parents[2] / "ops" / "dashboard.json"

_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHT: Final = 8
_WIDTH: Final = 12

Series = tuple[str, str]
"""What is asked for, and what it is called."""


def within_hour(name: str) -> str:
    """Ask for what was added to a counter within the hour."""
    return f"increase(thoughtflow_{name}_total[1h])"


def share(part: float, name: str, labels: str = "le") -> str:
    """Ask for what this part of the values of a histogram of a day does not exceed."""
    return f"histogram_quantile({part}, sum by ({labels}) (rate(thoughtflow_{name}_bucket[1d])))"


def text() -> str:
    """Return the dashboard as it stands in its file."""
    made = (
        board.Dashboard("thoughtflow")
        .uid("thoughtflow")
        .tags(["thoughtflow"])
        .refresh("1m")
        .time("now-24h", "now")
        .with_variable(board.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for number, panel in enumerate(_panels(), start=1):
        made = made.with_panel(_numbered(panel, number))
    return JSONEncoder(sort_keys=True, indent=1).encode(made.build()) + "\n"


def _panels() -> list[timeseries.Panel | stat.Panel]:
    tokens = f"sum by (model, type) ({within_hour('tokens')})"
    pending = "thoughtflow_pending_sessions"
    return [
        _over_time("Sessions that ended within the hour", (within_hour("sessions"), "{{result}}")),
        _over_time(
            "Going on, and abandoned",
            ("thoughtflow_sessions_active", "going on"),
            ("thoughtflow_abandoned_sessions", "abandoned"),
        ),
        _over_time("Tokens within the hour", (tokens, "{{model}} {{type}}")),
        _over_time(
            "Calls of models within the hour", (within_hour("model_calls"), "{{model}} {{status}}")
        ),
        _over_time("Calls of tools within the hour", (within_hour("tool_calls"), "{{tool}} {{status}}")),
        _over_time(
            "Errors and retries within the hour",
            (within_hour("errors"), "{{class}}"),
            (within_hour("retries"), "retries"),
        ),
        _over_time(
            "How long calls take, of a day: 50 and 90 %",
            *((share(part, "call_duration_seconds", "kind, le"), f"{{{{kind}}}} {part:.0%}") for part in (0.5, 0.9)),
            unit="s",
        ),
        _over_time(
            "Steps of a run, of a day: 50 and 90 %",
            *((share(part, "run_events"), f"{part:.0%}") for part in (0.5, 0.9)),
        ),
        _over_time(
            "Not recorded within the hour",
            (f"sum by (kind) ({within_hour('write_failures')}) > 0", "{{kind}}"),
            ("clamp_min(delta(thoughtflow_drift_responses[1h]), 0) > 0", "missing in documents"),
        ),
        _over_time(
            "From a session's end to its files, of a day: 50 and 90 %",
            *((share(part, "ingestion_seconds"), f"{part:.0%}") for part in (0.5, 0.9)),
            unit="s",
        ),
        _over_time(
            "Still to be sent, and refused",
            (pending, "{{target}}"),
            ("thoughtflow_refused_sessions", "{{target}}, refused"),
        ),
        _over_time(
            "How long the oldest waits to be sent", ("thoughtflow_pending_oldest_seconds", "{{target}}"), unit="s"
        ),
        _over_time(
            "Since a machine sent what it has",
            ("time() - thoughtflow_source_last_seen_timestamp_seconds", "{{source}}"),
            unit="s",
        ),
        _over_time("Bytes of the store", ("thoughtflow_store_bytes", "store"), unit="bytes"),
        _now("Documents that hold no session", ("thoughtflow_unreadable_documents", "documents")),
        _now("Sessions of which not all is counted", ("thoughtflow_uncounted_sessions", "{{of}}")),
    ]  # fmt: skip


def _over_time(title: str, *series: Series, unit: str = "short") -> timeseries.Panel:
    made = timeseries.Panel().title(title).datasource(_SOURCE).unit(unit).height(_HEIGHT).span(_WIDTH)
    made = made.legend(common.VizLegendOptions().show_legend(True))
    for ref, each in zip("ABC", series, strict=False):
        made = made.with_target(_query(ref, each))
    return made


def _now(title: str, series: Series) -> stat.Panel:
    made = stat.Panel().title(title).datasource(_SOURCE).unit("short").height(_HEIGHT).span(_WIDTH)
    made = made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return made.with_target(_query("A", series))


def _query(ref: str, series: Series) -> prometheus.Dataquery:
    expression, called = series
    return prometheus.Dataquery().ref_id(ref).expr(expression).legend_format(called)


def _numbered(panel: timeseries.Panel | stat.Panel, number: int) -> Builder[Panel]:
    return panel.id(number)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
