"""What leaves the store: sessions as bundles, cassettes, rows of data, and spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tfclient.otlp.exporting import Sent
    from tfclient.otlp.messages import Content
    from tfstore.store import Store


def otlp(
    store: Store,
    session_ids: Iterable[str],
    *,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    content: Content = "full",
) -> Sent:
    """Send sessions as OpenTelemetry's spans, each noted in the store as soon as it was taken.

    Args:
        store: where they are.
        session_ids: their whole ids; those that have not ended are passed over.
        endpoint: an address; else that of ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        headers: besides those of ``OTEL_EXPORTER_OTLP_HEADERS``.
        content: ``full`` is what the model saw, ``new`` what was new in each request, ``none`` no text at all.

    Raises:
        PackageMissing: it takes ``pip install "tfclient[otel]"``.
        BadEndpoint: nothing can be sent there.
        EndpointDown: nothing is taken there now; what was confirmed is in the store.

    Example:
        >>> import tempfile
        >>> from tfstore.store import Store
        >>> otlp(Store(tempfile.mkdtemp(), create=True), [], endpoint="http://127.0.0.1:4318").sessions
        0
    """
    from tfclient.otlp.endpoint import endpoint_of
    from tfclient.otlp.exporting import Exporter, Sent
    from tfclient.otlp.options import Options

    sent = Sent()
    exporter = Exporter.to(store, endpoint_of(endpoint, headers), Options(content))
    try:
        for outcome in exporter.send(session_ids):
            sent.add(outcome)
    finally:
        exporter.close()
    return sent
