"""From the store to an endpoint: session by session, each confirmed in the ledger as soon as it was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

from attrs import define, evolve, field, frozen

from tfclient.otlp.encoding import Resource
from tfclient.otlp.options import Options, reduced
from tfclient.otlp.parts import Reader
from tfclient.otlp.sending import Sender
from tfclient.otlp.tree import span_of_response, spans_of
from tfstore.disk.export_ledger import ExportLedger
from tfstore.errors import StoreError

if TYPE_CHECKING:
    from tfclient.otlp.endpoint import Endpoint
    from tfclient.otlp.messages import Content
    from tfclient.otlp.span import Span
    from tfstore.document.documents import Session
    from tfstore.store import Store

SERVICE: Final = "tfclient"
"""What a service is called that has no name."""

FOUND: Final = 10_000
"""How many responses of other sessions are remembered with their spans."""

State = Literal["sent", "refused", "passed_over"]


@frozen
class Outcome:
    """What became of one session: ``why`` it was refused or passed over, what else there is to tell, how many spans."""

    session_id: str
    state: State
    spans: int = 0
    why: str = ""
    told: list[str] = field(factory=list[str])


@define
class Sent:
    """What came of sending: how many sessions and spans were taken, and why others were not."""

    sessions: int = 0
    spans: int = 0
    refused: dict[str, str] = field(factory=dict[str, str])
    passed_over: dict[str, str] = field(factory=dict[str, str])
    told: list[str] = field(factory=list[str])

    def add(self, outcome: Outcome) -> None:
        """Count what became of a session."""
        self.spans += outcome.spans
        self.told += outcome.told
        if outcome.state == "sent":
            self.sessions += 1
        else:
            held = self.refused if outcome.state == "refused" else self.passed_over
            held[outcome.session_id] = outcome.why


@frozen
class Exporter:
    """Sends sessions of one store to one endpoint.

    Args:
        store: where they are.
        sender: what sends.
        options: how spans are made of them.
    """

    store: Store
    sender: Sender
    options: Options
    ledger: ExportLedger

    @classmethod
    def to(
        cls, store: Store, endpoint: Endpoint, options: Options, service: str = "", *, inline: bool = False
    ) -> Exporter:
        """Return one that is ready.

        Args:
            store: where the sessions are.
            endpoint: where they go.
            options: how spans are made of them.
            service: what ``service.name`` says.
            inline: send media too, not only what they are called.

        Raises:
            PackageMissing: what protobuf takes is not installed.
        """
        resource = resource_of(store, service)
        made = evolve(options, reader=Reader(store.blobs.get, inline), find_span=finder(store))
        ledger = ExportLedger(store.paths, endpoint.target, endpoint.shown)
        return cls(store, Sender(endpoint, resource), made, ledger)

    def send(self, session_ids: Iterable[str]) -> Iterator[Outcome]:
        """Send sessions, and yield what became of each once it is in the ledger.

        Raises:
            EndpointDown: nothing is taken there now; those that were yielded are confirmed.
            BadEndpoint: nothing ever will be.
            StoreUnusable: the ledger cannot be written.
        """
        for session_id in session_ids:
            yield self._send(session_id)

    def _send(self, session_id: str) -> Outcome:
        try:
            session = self.store.get(session_id)
        except StoreError as error:
            return Outcome(session_id, "passed_over", why=str(error))
        if session.status != "closed":
            why = f"Session {session_id} has not ended: spans are final, and are sent when it has."
            return Outcome(session_id, "passed_over", why=why)

        def remake(span_id: bytes, content: Content) -> Span | None:
            less = spans_of(session, self.store.store_id, reduced(self.options, content))
            return next((each for each in less if each.span_id == span_id), None)

        report = self.sender.send(spans_of(session, self.store.store_id, self.options), remake)
        head = session.integrity.head
        if report.refused:
            why = "; ".join(dict.fromkeys(report.refused))
            self.ledger.refuse(session_id, head, why)
            return Outcome(session_id, "refused", report.spans, why, report.told)
        self.ledger.confirm(session_id, head)
        return Outcome(session_id, "sent", report.spans, told=report.told)

    def close(self) -> None:
        """Close the connection."""
        self.sender.close()


def resource_of(store: Store, service: str = "") -> Resource:
    """Return who sends.

    Raises:
        StoreUnusable: the store has no id and cannot be given one.
    """
    return Resource(service or SERVICE, store.store_id, _version())


def finder(store: Store) -> Callable[[str], tuple[bytes, bytes] | None]:
    """Return what finds the span of a response that another session of the store made."""

    @lru_cache(maxsize=FOUND)
    def find(response_id: str) -> tuple[bytes, bytes] | None:
        found = store.find_response(response_id)
        if found is None:
            return None
        try:
            session: Session = store.get(found[0])
        except StoreError:
            return None
        return span_of_response(session, store.store_id, found[1])

    return find


def _version() -> str:
    return next((each.version for each in metadata.distributions(name="tfclient")), "unknown")
