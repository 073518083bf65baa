"""The Open Inference Protocol (KServe's V2, Triton's): whether server and models are ready, and what they are."""

from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from app.routes.bodies import answer
from app.routes.permissions import ANY_KEY
from app.routes.readiness import check_readiness
from app.routes.resources import Resources, Service
from app.stores.versions import Version

router = APIRouter(prefix="/v2", include_in_schema=False)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_OF_MODEL: Final = "/models/{name}"
_OF_VERSION: Final = "/models/{name}/versions/{number}"


@dataclass(frozen=True)
class Live:
    """The process answers."""

    live: bool = True


@dataclass(frozen=True)
class Ready:
    """It can forecast."""

    ready: bool = True


@dataclass(frozen=True)
class ServerMetadata:
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


@dataclass(frozen=True)
class Tensor:
    """What goes in or comes out; -1 is any length."""

    name: str
    datatype: str
    shape: list[int]


@dataclass(frozen=True)
class ModelMetadata:
    """What a model is."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]


@dataclass(frozen=True)
class ModelReady:
    """It can be asked."""

    name: str
    ready: bool = True


@router.get("", dependencies=[ANY_KEY])
def get_server() -> Response:
    """Name, version, and no extension."""
    return answer(ServerMetadata("longshot", version_of("longshot"), []))


@router.get("/health/live")
async def get_live() -> Response:
    """Answered by the event loop itself, whatever the forecasts are doing."""
    return answer(Live())


@router.get("/health/ready")
async def get_ready(service: Service) -> Response:
    """As `/readyz`: a real forecast, and a worker that lives; 503 names what is missing."""
    await service.bench.run(lambda: check_readiness(service))
    return answer(Ready())


@router.get(_OF_MODEL, dependencies=[ANY_KEY])
def get_model(name: str, service: Service) -> Response:
    """Of the version that a name, or `name@alias`, means now."""
    return _describe(service, service.registry.resolve(name))


@router.get(_OF_VERSION, dependencies=[ANY_KEY])
def get_version(name: str, number: Number, service: Service) -> Response:
    """Of one version."""
    return _describe(service, service.registry.version(name, number))


@router.get(f"{_OF_MODEL}/ready", dependencies=[ANY_KEY])
async def get_model_ready(name: str, service: Service) -> Response:
    """The version that a name, or `name@alias`, means now is loaded, or why it cannot be."""
    await service.bench.run(lambda: service.forecasting.forecaster(service.registry.pin(name)))
    return answer(ModelReady(name))


@router.get(f"{_OF_VERSION}/ready", dependencies=[ANY_KEY])
async def get_version_ready(name: str, number: Number, service: Service) -> Response:
    """A version is loaded, or why it cannot be."""
    await service.bench.run(lambda: service.forecasting.forecaster(service.registry.version(name, number)))
    return answer(ModelReady(name))


def _describe(service: Resources, version: Version) -> Response:
    numbers = [str(one.number) for one in service.registry.versions(version.name)]
    levels = len(version.config.quantile_levels)
    outputs = [Tensor("mean", "FP64", [-1]), Tensor("quantiles", "FP64", [levels, -1])]
    return answer(ModelMetadata(version.name, numbers, "longshot_shooting", [Tensor("target", "FP64", [-1])], outputs))
