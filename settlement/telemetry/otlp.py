"""Traces to a collector (OTLP over HTTP), by OpenTelemetry's own library, which is optional.

The extra `traces` (requirements-traces.txt) brings it. Spans are sent by a thread of the library,
some at a time; where the collector is slow or away it drops them, and nobody waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from settlement.clock import system_clock
from settlement.telemetry.traces import TRACES, Part, Trace

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

URL_VARIABLE = "SETTLEMENT_TRACES_URL"
SHARE_VARIABLE = "SETTLEMENT_TRACES_SHARE"
SHARE = 0.01
PATH = "/v1/traces"
NANOSECONDS = 10**9
SEND_SECONDS_MAX = 5


class TracesError(Exception):
    """Traces are asked for and cannot be made. The text says why, and what to do."""


class TracesWanted(Struct, frozen=True):
    """Where to, and of how many requests: over 0, up to 1."""

    url: str
    share: float


def wanted(environment: Mapping[str, str]) -> TracesWanted | None:
    """What the environment asks for; None for no traces. Raises TracesError."""
    url = environment.get(URL_VARIABLE, "")
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise TracesError(f"{URL_VARIABLE} is no address of a collector (http://…): {url}")
    said = environment.get(SHARE_VARIABLE) or str(SHARE)
    try:
        share = float(said)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise TracesError(f"{SHARE_VARIABLE} is no number over 0 and up to 1: {said}")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise TracesError(
            f"{URL_VARIABLE} asks for traces, and OpenTelemetry's library is not installed. "
            "Install it: .venv/bin/pip install --require-hashes -r requirements-traces.txt"
        )
    # A bare address is the collector's own; where it takes traces is the protocol's.
    path = urlsplit(url).path
    return TracesWanted(url if path.strip("/") else url.rstrip("/") + PATH, share)


def start(asked: TracesWanted, place: str) -> Callable[[], None]:
    """Trace this process from now on; `place` names it. The result stops that and sends the rest,
    which takes some seconds at most."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "settlement", "service.instance.id": place})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=asked.url, timeout=SEND_SECONDS_MAX)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    TRACES.start(asked.share, Spans(provider).hand_on)

    def stop() -> None:
        TRACES.stop()
        provider.shutdown()

    return stop


class Spans:
    """Makes spans of traces that are over: one of the request, and one below it for each part."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("settlement")

    def hand_on(self, trace: Trace) -> None:
        """To the library, which sends it when there is time."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        ahead = system_clock().timestamp() - trace.ended

        def at(moment: float) -> int:
            return round((ahead + moment) * NANOSECONDS)

        root = self._tracer.start_span(
            trace.name, kind=SpanKind.SERVER, start_time=at(trace.began),
            attributes={"message_id": trace.message_id, **trace.facts},
        )  # fmt: skip
        below = set_span_in_context(root)
        for part in trace.parts:
            self._span(part, below, at)
        if trace.failed:
            root.set_status(Status(StatusCode.ERROR))
        root.end(end_time=at(trace.ended))

    def _span(self, part: Part, below: Context, at: Callable[[float], int]) -> None:
        span = self._tracer.start_span(
            part.name, context=below, start_time=at(part.began), attributes=part.facts
        )
        span.end(end_time=at(part.ended))
