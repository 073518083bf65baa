"""Requests as spans of OpenTelemetry, kept in memory instead of being sent."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.stores.references import PRODUCTION
from app.tracing import ENDPOINT, follow, start_tracing, trace_to
from tests.app.conftest import Client, serve
from tests.app.test_server import ask

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    stop = trace_to(provider)
    yield exporter
    stop()
    provider.shutdown()


def test_a_forecast_is_a_span_with_its_lookup_and_its_forward_pass_below(client, spans):
    assert ask(client).status_code == 200
    found = {one.name: one for one in spans.get_finished_spans()}
    assert set(found) == {"POST /v1/forecasts", "lookup", "forward"}
    request = found["POST /v1/forecasts"]
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["longshot.request_id"].startswith("req_")
    assert found["lookup"].end_time <= found["forward"].start_time + 1000
    assert {found[name].parent.span_id for name in ("lookup", "forward")} == {request.context.span_id}


def test_a_trace_that_began_elsewhere_goes_on(client, spans):
    client.get("/v1/models", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (request,) = spans.get_finished_spans()
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == PARENT


def test_a_refused_request_is_a_span_too_and_health_is_none(client, spans):
    client.get("/livez")
    client.get("/v1/models/nobody")
    (request,) = spans.get_finished_spans()
    assert (request.name, request.attributes["http.response.status_code"]) == ("GET /v1/models/{name}", 404)


def test_nothing_is_traced_unless_a_collector_is_named(client):
    start_tracing({})()
    assert ask(client).status_code == 200
    assert follow() is follow()


def test_a_collector_that_does_not_answer_holds_nothing_up(client, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    stop = start_tracing()
    try:
        assert ask(client).status_code == 200
    finally:
        stop()
