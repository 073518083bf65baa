"""Build the web application and its resources (create_app)."""

import re
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import add_problem_handlers, answer_problem
from app.routes import datasets, forecasts, models, operations, training_jobs
from app.routes.bodies import request_schemas
from app.routes.metrics import Metrics
from app.routes.resources import WorkerAlive, open_resources
from app.security import BodyLimit, BrowserHeaders
from app.settings import Settings
from app.telemetry import log_context
from app.ui import reference

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PARTS: Final = (forecasts, datasets, training_jobs, models, operations, reference)
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
        yield
        resources.close()

    application = FastAPI(
        title="Longshot",
        version=version("longshot"),
        summary="Long-range time-series forecasting: train once, keep every version, ask for any horizon.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    application.state.resources = resources
    for part in _PARTS:
        application.include_router(part.router)
    application.mount("/static", reference.STATIC)
    add_problem_handlers(application)
    application.add_middleware(BodyLimit, max_body_bytes=settings.max_body_bytes)
    application.add_middleware(RequestContext, metrics=resources.metrics)
    application.add_middleware(BrowserHeaders)
    application.openapi = lambda: _openapi(application)  # type: ignore[method-assign]
    return application


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
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"
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
            except Exception as error:
                if status:
                    raise
                answer = await answer_problem(Request(scope), error)
                await answer(scope, receive, with_id)
            self._count(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        quiet = route in ("/livez", "/readyz", "/metrics") and status < 400
        log = _log.debug if quiet else _log.info
        log("request", method=scope["method"], path=scope["path"], status=status, milliseconds=round(seconds * 1000, 1))


def _openapi(application: FastAPI) -> dict[str, Any]:
    if application.openapi_schema is None:
        schema = get_openapi(
            title=application.title, version=application.version, summary=application.summary, routes=application.routes
        )
        schema.setdefault("components", {}).setdefault("schemas", {}).update(request_schemas())
        application.openapi_schema = schema
    return application.openapi_schema
