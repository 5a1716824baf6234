"""Sessions go to an OTLP endpoint as they close; see ``pushing``, and ``tfclient export`` for what did not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.errors import EndpointDown
from tfclient.finishing.pushing import Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfclient.otlp.exporting import Exporter
    from tfstore.disk.paths import StorePaths

NEEDED: Final = (
    *("tfclient.otlp.conventions", "tfclient.otlp.endpoint", "tfclient.otlp.parts", "tfstore.reading.facts"),
    *(
        "tfstore.reading.calls.contexts",
        "tfclient.otlp.messages",
        "tfclient.otlp.tree",
        "google.protobuf.descriptor_pb2",
    ),
    *("opentelemetry.proto.common.v1.common_pb2", "opentelemetry.proto.trace.v1.trace_pb2"),
    *(
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2",
        "tfclient.otlp.sending",
        "tfclient.otlp.exporting",
    ),
)


@frozen
class OtlpTarget:
    """An endpoint that takes spans."""

    exporter: Exporter

    @classmethod
    def open(cls, paths: StorePaths, address: str) -> OtlpTarget:
        """Return the endpoint at an address.

        Raises:
            PackageMissing, BadEndpoint, StoreUnusable: nothing can be sent there.
        """
        from tfclient.otlp.endpoint import endpoint_of
        from tfclient.otlp.exporting import Exporter
        from tfclient.otlp.options import Options
        from tfstore.store import Store

        endpoint = endpoint_of(address)
        store = Store(paths.root, create=True)
        exporter = Exporter.to(store, endpoint, Options(), os.environ.get("OTEL_SERVICE_NAME", "").strip())
        # From now on: what was recorded before is sent when somebody asks for it.
        exporter.ledger.begin()
        return cls(exporter)

    def earlier(self) -> list[str]:
        """Return the sessions that ended since the ledger was begun, and were not confirmed."""
        from tfstore.keeping.waiting import waiting_since_begun

        return waiting_since_begun(self.exporter.store, self.exporter.ledger).session_ids

    def send(self, session_ids: Sequence[str]) -> dict[str, str]:
        """Send sessions, and return why some were refused.

        Raises:
            EndpointDown: nothing is taken there now.
        """
        outcomes = self.exporter.send(session_ids)
        return {each.session_id: each.why for each in outcomes if each.state == "refused"}

    def close(self) -> None:
        """Close the connection."""
        self.exporter.close()


OTLP: Final = Way(
    kind="export",
    doing="sending sessions to the endpoint they are exported to",
    needed=NEEDED,
    open=OtlpTarget.open,
    later=(EndpointDown,),
)
