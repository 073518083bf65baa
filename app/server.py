"""Build the web application and its resources (create_app)."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.compat import invocations, open_inference
from app.compat.kserve import forecasts as kserve_forecasts
from app.compat.nixtla import account, answering, finetuned
from app.probes import PROBES
from app.routes import (
    anomalies,
    audit_log,
    audits,
    backtests,
    datasets,
    forecasts,
    job_events,
    kept_forecasts,
    keys,
    models,
    observations,
    operations,
    pictures,
    sessions,
    training_jobs,
)
from app.routes.accounting import Accounting
from app.routes.interface import describe
from app.routes.metrics import Metrics
from app.routes.resources import Resources, WorkerAlive, open_resources
from app.settings import Settings
from app.telemetry import log_context, request_id_of
from app.tracing import RequestSpans, start_tracing
from app.ui import pages, reference
from app.web.addresses import AbsoluteTarget
from app.web.bounds import ConcurrencyLimit, HeadLimit
from app.web.compression import Compression, Decompression
from app.web.freshness import NotModified
from app.web.heads import HeadAsGet
from app.web.problems import add_problem_handlers, answer_problem
from app.web.security import BodyLimit, BrowserHeaders

PARTS: Final = (
    forecasts,
    pictures,
    kept_forecasts,
    datasets,
    observations,
    audits,
    anomalies,
    training_jobs,
    job_events,
    backtests,
    models,
    keys,
    audit_log,
    operations,
    sessions,
    finetuned,
    answering,
    account,
    kserve_forecasts,
    open_inference,
    invocations,
    reference,
    pages,
)
_ASKED_HEADERS: Final = (
    *("Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key", "If-Match", "If-None-Match"),
    *("Last-Event-ID", "X-Request-ID"),
)
_TOLD_HEADERS: Final = (
    "ETag",
    "Location",
    "Longshot-Answer",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
)
"""What pages of allowed origins may send, and what they may read, beside the headers they always may."""

_log = structlog.get_logger()


def create_app(settings: Settings, worker_alive: WorkerAlive) -> FastAPI:
    """The web application on its stores, which are opened now and closed when it shuts down.

    Args:
        settings: Where and how much.
        worker_alive: Whether a worker has lately said that it lives.

    Raises:
        OperationError: The home folder or the database cannot be used.
    """
    resources = open_resources(settings, worker_alive)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop_tracing = start_tracing()
        yield
        stop_tracing()
        resources.close()

    application = FastAPI(
        title="Longshot",
        version=version("longshot"),
        summary="Long-range time-series forecasting: train once, keep every version, ask for any horizon.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    application.state.resources = resources
    for part in PARTS:
        # Not included as routers: FastAPI would look for the route of each request in every one of them, twice.
        application.router.routes.extend(part.router.routes)
    application.mount("/static", reference.STATIC)
    add_problem_handlers(application, missing_page=pages.MISSING)
    _add_middleware(application, resources)
    application.openapi = lambda: describe(application)  # type: ignore[method-assign]
    return application


def _add_middleware(application: FastAPI, resources: Resources) -> None:
    """Adds what every request passes, from the inside out."""
    settings = resources.settings
    application.add_middleware(Accounting, audit_log=resources.audit_log)
    application.add_middleware(Compression)
    application.add_middleware(
        Decompression, max_body_bytes=settings.max_body_bytes, max_ratio=settings.max_compression_ratio
    )
    application.add_middleware(BodyLimit, max_body_bytes=settings.max_body_bytes)
    application.add_middleware(ConcurrencyLimit, max_requests=settings.max_concurrent_requests)
    application.add_middleware(
        HeadLimit, max_url_bytes=settings.max_url_bytes, max_header_bytes=settings.max_header_bytes
    )
    application.add_middleware(RequestContext, metrics=resources.metrics)
    application.add_middleware(RequestSpans)
    if settings.cors_origins:
        application.add_middleware(
            CORSMiddleware,
            allow_origins=[one.strip() for one in settings.cors_origins.split(",")],
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=_ASKED_HEADERS,
            expose_headers=_TOLD_HEADERS,
        )
    application.add_middleware(BrowserHeaders, frame_ancestors=settings.frame_ancestors)
    application.add_middleware(NotModified)
    application.add_middleware(HeadAsGet)
    application.add_middleware(AbsoluteTarget)


_CALLER_LEFT: Final = 499
"""What is logged and counted, as nginx does, for a caller who left before the body was whole; nobody receives it."""


class RequestContext:
    """Gives each request its id, logs and counts it, and turns what nobody foresaw into a problem.

    Args:
        app: The application behind it.
        metrics: Where it is counted.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(Headers(scope=scope).get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with log_context(request_id=request_id):
            try:
                await self._app(scope, receive, with_id)
            except ClientDisconnect:
                status = _CALLER_LEFT
            except Exception as error:
                if status:
                    self._count(scope, status, time.perf_counter() - started)
                    raise
                answer = await answer_problem(Request(scope), error)
                await answer(scope, receive, with_id)
            self._count(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        quiet = route in PROBES and status < 400
        log = _log.debug if quiet else _log.info
        caller = scope["state"].get("caller")
        log(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            caller=caller.id if caller else None,
            milliseconds=round(seconds * 1000, 1),
        )
