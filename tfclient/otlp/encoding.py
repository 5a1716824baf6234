"""Spans as OTLP: protobuf, which every receiver reads, and JSON, which files hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfclient.errors import PackageMissing
from tfclient.otlp import conventions as name
from tfclient.otlp.span import KINDS, STATUS_CODES, Attributes, Span, Value

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

    from tfstore.document.documents import Json

SCOPE: Final = "tfclient"


@frozen
class Resource:
    """Who sends: the service's name, the store, and the version of this package."""

    service: str
    store_id: str
    version: str

    @property
    def attributes(self) -> Attributes:
        """Return them as the attributes of every request."""
        return {
            name.SERVICE_NAME: self.service,
            name.STORE_ID: self.store_id,
            "telemetry.sdk.name": SCOPE,
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": self.version,
        }


def needs_protobuf() -> None:
    """Say so where what protobuf takes is missing.

    Raises:
        PackageMissing: it is.
    """
    try:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2  # noqa: F401
    except ImportError:
        raise PackageMissing("sending to an OTLP endpoint", "otel") from None


def proto_of(span: Span) -> ProtoSpan:
    """Return a span as protobuf's."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

    return ProtoSpan(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_id or b"",
        name=span.name,
        kind=KINDS[span.kind],  # type: ignore[arg-type,unused-ignore]
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=_proto_attributes(span.attributes),
        events=[
            ProtoSpan.Event(
                time_unix_nano=each.at, name=each.name, attributes=_proto_attributes(each.attributes)
            )
            for each in span.events
        ],
        links=[
            ProtoSpan.Link(
                trace_id=each.trace_id, span_id=each.span_id, attributes=_proto_attributes(each.attributes)
            )
            for each in span.links
        ],
        status=Status(code=STATUS_CODES[span.status], message=span.message),  # type: ignore[arg-type,unused-ignore]
    )


def request_of(spans: Iterable[ProtoSpan], resource: Resource) -> bytes:
    """Return the body of a request that brings these spans."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
    from opentelemetry.proto.resource.v1 import resource_pb2
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

    scope = InstrumentationScope(name=SCOPE, version=resource.version)
    held = ScopeSpans(scope=scope, spans=spans, schema_url=name.SCHEMA_URL)
    of = resource_pb2.Resource(attributes=_proto_attributes(resource.attributes))
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=of, scope_spans=[held], schema_url=name.SCHEMA_URL)]
    )
    return request.SerializeToString()


def _proto_attributes(attributes: Attributes) -> list[Any]:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    return [KeyValue(key=key, value=_proto_value(value)) for key, value in attributes.items()]


def _proto_value(value: Value) -> Any:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value) if _is_int64(value) else AnyValue(double_value=float(value))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=each) for each in value]))
    return AnyValue(string_value=value)


def json_of(spans: Iterable[Span], resource: Resource) -> Json:
    """Return spans as OTLP's JSON: ids in hexadecimal, whole numbers as text, as that format has them.

    Example:
        >>> span = Span(bytes(16), bytes(8), "chat gpt-5", 0, 1, attributes={"gen_ai.usage.input_tokens": 7})
        >>> made = json_of([span], Resource("shop", "5e0a…", "0.1.0"))
        >>> made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
        [{'key': 'gen_ai.usage.input_tokens', 'value': {'intValue': '7'}}]
    """
    held = {
        "scope": {"name": SCOPE, "version": resource.version},
        "spans": [_json_span(each) for each in spans],
        "schemaUrl": name.SCHEMA_URL,
    }
    of = {"attributes": _json_attributes(resource.attributes)}
    return {"resourceSpans": [{"resource": of, "scopeSpans": [held], "schemaUrl": name.SCHEMA_URL}]}


def _json_span(span: Span) -> Json:
    made: Json = {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
    if span.parent_id:
        made["parentSpanId"] = span.parent_id.hex()
    made |= {
        "name": span.name,
        "kind": KINDS[span.kind],
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _json_attributes(span.attributes),
    }
    if span.events:
        made["events"] = [
            {"timeUnixNano": str(each.at), "name": each.name, "attributes": _json_attributes(each.attributes)}
            for each in span.events
        ]
    if span.links:
        made["links"] = [
            {
                "traceId": each.trace_id.hex(),
                "spanId": each.span_id.hex(),
                "attributes": _json_attributes(each.attributes),
            }
            for each in span.links
        ]
    status: Json = {"code": STATUS_CODES[span.status]}
    made["status"] = status | ({"message": span.message} if span.message else {})
    return made


def _json_attributes(attributes: Attributes) -> list[Json]:
    return [{"key": key, "value": _json_value(value)} for key, value in attributes.items()]


def _json_value(value: Value) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if _is_int64(value) else {"doubleValue": float(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [{"stringValue": each} for each in value]}}
    return {"stringValue": value}


def _is_int64(value: int) -> bool:
    return -(2**63) <= value < 2**63
