"""Spans of what a request takes, sent to a collector of OpenTelemetry where OTEL_EXPORTER_OTLP_ENDPOINT names one."""

import os
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.probes import PROBES

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_current: Final = SimpleNamespace(tracer=None)
_log = structlog.get_logger()


class Follow(Protocol):
    """Takes a span of a request: what took how many seconds, and how many seconds ago it ended."""

    def __call__(self, name: str, seconds: float, *, ago: float = 0.0, **attributes: str | int) -> None:
        """One more span."""


def start_tracing(environ: Mapping[str, str] = os.environ) -> Callable[[], None]:
    """Begins to send spans, if a collector is named and the libraries are there.

    Returns:
        What ends it: the last spans are sent.
    """
    if not environ.get(ENDPOINT):
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        _log.warning("no spans are sent: pip install longshot[otel]", endpoint=environ[ENDPOINT])
        return lambda: None
    name = environ.get("OTEL_SERVICE_NAME", "longshot")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    stop = trace_to(provider)

    def end() -> None:
        stop()
        provider.shutdown()

    return end


def trace_to(provider: "TracerProvider") -> Callable[[], None]:
    """Hands all spans of this process to a provider, until what is returned is called."""
    _current.tracer = provider.get_tracer("longshot")

    def stop() -> None:
        _current.tracer = None

    return stop


def follow() -> Follow:
    """Takes the spans that belong to the present request, from whatever thread and after they have ended.

    A forecast is computed together with those of other requests, so its parts are known by how long they took.
    """
    if _current.tracer is None:
        return _ignore
    from opentelemetry.context import get_current  # noqa: PLC0415

    tracer, context = _current.tracer, get_current()

    def add(name: str, seconds: float, *, ago: float = 0.0, **attributes: str | int) -> None:
        end = time.time_ns() - round(ago * 1e9)
        named = {f"longshot.{key}": value for key, value in attributes.items()}
        found = tracer.start_span(name, context=context, attributes=named, start_time=end - round(seconds * 1e9))
        found.end(end)

    return add


def _ignore(name: str, seconds: float, *, ago: float = 0.0, **attributes: str | int) -> None:
    """No spans are sent."""


class RequestSpans:
    """Gives each request a span, as part of the trace that its `traceparent` header names.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if _current.tracer is None or scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        from opentelemetry.propagate import extract  # noqa: PLC0415
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415

        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        method = scope["method"]
        parent = extract(dict(Headers(scope=scope)))
        with _current.tracer.start_as_current_span(method, context=parent, kind=SpanKind.SERVER) as found:
            await self._app(scope, receive, noted)
            route = getattr(scope.get("route"), "path", "")
            found.update_name(f"{method} {route}".strip())
            found.set_attributes(
                {"http.request.method": method, "http.route": route, "http.response.status_code": status}
            )
            found.set_attribute("longshot.request_id", scope.get("state", {}).get("request_id", ""))
            if status >= 500:
                found.set_status(StatusCode.ERROR)
