"""For operators: whether the service lives and is ready, what it counts, what it is."""

import platform
from dataclasses import dataclass
from importlib.metadata import version

from fastapi import APIRouter, Response

from app.bench import DeadlineExceeded, ServiceBusy
from app.errors import NotReady
from app.routes.bodies import answer
from app.routes.documented import problems
from app.routes.permissions import ANY_KEY, METRICS
from app.routes.readiness import Readiness, check_readiness
from app.routes.resources import Service
from model import device_name

router = APIRouter(tags=["operations"])

_LIBRARIES = ("torch", "numpy", "pandas", "fastapi", "pydantic", "SQLAlchemy")


@dataclass(frozen=True)
class Alive:
    """The process answers."""

    status: str = "alive"


@dataclass(frozen=True)
class Limits:
    """What the service allows."""

    max_url_bytes: int
    max_header_bytes: int
    max_body_bytes: int
    max_compression_ratio: int
    max_series: int
    max_points: int
    max_horizon_steps: int
    max_quantile_levels: int
    max_forecast_values: int
    max_cutoffs: int
    max_remembered_values: int
    max_kept_values: int
    kept_days: int
    max_concurrent_requests: int
    max_requests_per_minute: int
    max_points_per_minute: int
    forecast_timeout_seconds: float


@dataclass(frozen=True)
class System:
    """What the service is made of, and what it allows."""

    version: str
    python: str
    libraries: dict[str, str]
    device: str
    worker_alive: bool
    keys_needed: bool
    limits: Limits


@router.get("/livez", summary="Does the process live?", response_model=Alive)
async def get_livez() -> Response:
    """Answered by the event loop itself, whatever the forecasts are doing."""
    return answer(Alive())


@router.get(
    "/readyz",
    summary="Can it forecast and train?",
    response_model=Readiness,
    responses=problems(NotReady, ServiceBusy, DeadlineExceeded),
)
async def get_readyz(service: Service) -> Response:
    """A real forecast by a registered version, and a worker that lives; 503 names what is missing."""
    service.metrics.ready.set(0)
    readiness = await service.bench.run(lambda: check_readiness(service))
    service.metrics.ready.set(1)
    return answer(readiness)


@router.get(
    "/metrics",
    summary="What the service counts",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    dependencies=[METRICS],
)
def get_metrics(service: Service) -> Response:
    """In Prometheus's text format; programs of the same machine need no key, nor anybody with LONGSHOT_OPEN_METRICS."""
    return Response(service.metrics.expose(), media_type="text/plain; version=0.0.4")


@router.get("/v1/system", summary="What the service is, and its limits", response_model=System, dependencies=[ANY_KEY])
def get_system(service: Service) -> Response:
    """Versions of what it runs on, its limits, and whether a worker lives."""
    settings = service.settings
    limits = Limits(**{name: getattr(settings, name) for name in Limits.__dataclass_fields__})
    return answer(
        System(
            version=version("longshot"),
            python=platform.python_version(),
            libraries={name: version(name) for name in _LIBRARIES},
            device=device_name(),
            worker_alive=service.worker_alive(service.database),
            keys_needed=service.keyring.are_needed(),
            limits=limits,
        )
    )
