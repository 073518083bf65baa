"""forecast, cross_validation and detect_anomalies, at once or as a job of this process."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from app.compat.nixtla import asking, judging
from app.compat.nixtla.payloads import (
    AnomalyPayload,
    CrossValidationPayload,
    ForecastPayload,
    OnlineAnomalyPayload,
    Payload,
    SimulatePayload,
)
from app.routes.bodies import JSON, answer, read_json
from app.routes.permissions import FORECAST, CurrentCaller, SpendPoints
from app.routes.resources import Resources, Service
from app.schemas.refusals import CallUnsupported, OptionUnsupported

router = APIRouter(prefix="/compat/nixtla", include_in_schema=False)

AnyPayload = TypeVar("AnyPayload", bound=Payload)

STATES: Final = {"queued": "pending"}
"""The states of a job that the package calls by another name."""


@router.post("/v2/forecast", dependencies=[FORECAST])
async def post_forecast(request: Request, service: Service, spend: SpendPoints) -> Response:
    """The next steps of each series, together with what else is waiting to be asked."""
    body = await read_json(request)

    def ask() -> asking.Asking:
        return (yield from asking.forecast(service, spend, _read(ForecastPayload, body)))

    return Response(await service.forecasts.run(ask(), num_bytes=len(body)), media_type=JSON)


@router.post("/v2/cross_validation", dependencies=[FORECAST])
async def post_cross_validation(request: Request, service: Service, spend: SpendPoints) -> Response:
    """Forecasts of what has been observed."""
    return await _answer(request, service, CrossValidationPayload, partial(_cross_validate, service, spend))


@router.post("/v2/anomaly_detection", dependencies=[FORECAST])
async def post_anomaly_detection(request: Request, service: Service, spend: SpendPoints) -> Response:
    """All observations that can be judged."""
    return await _answer(request, service, AnomalyPayload, partial(judging.judge, service, spend))


@router.post("/v2/online_anomaly_detection", dependencies=[FORECAST])
async def post_online_anomaly_detection(request: Request, service: Service, spend: SpendPoints) -> Response:
    """The last observations, judged."""
    return await _answer(request, service, OnlineAnomalyPayload, partial(judging.judge, service, spend))


@router.post("/v2/forecast/async", dependencies=[FORECAST])
async def post_forecast_job(request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints) -> Response:
    """A forecast as a job."""
    return await _take_on(request, service, caller, ForecastPayload, partial(_forecast, service, spend))


@router.post("/v2/cross_validation/async", dependencies=[FORECAST])
async def post_cross_validation_job(
    request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints
) -> Response:
    """A cross-validation as a job."""
    return await _take_on(request, service, caller, CrossValidationPayload, partial(_cross_validate, service, spend))


@router.post("/v2/anomaly_detection/async", dependencies=[FORECAST])
async def post_anomaly_detection_job(
    request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints
) -> Response:
    """The last observations, judged as a job: jobs go by the later of the two names that this call has."""
    return await _take_on(request, service, caller, OnlineAnomalyPayload, partial(judging.judge, service, spend))


@router.post("/v2/simulate/async", dependencies=[FORECAST])
async def post_simulation_job(
    request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints
) -> Response:
    """Paths that each series may take, which the package asks for as a job alone."""
    return await _take_on(request, service, caller, SimulatePayload, partial(_simulate, service, spend))


@router.get("/v2/forecast/jobs/{job_id}", dependencies=[FORECAST])
@router.get("/v2/simulate/jobs/{job_id}", dependencies=[FORECAST])
@router.get("/v2/cross_validation/jobs/{job_id}", dependencies=[FORECAST])
@router.get("/v2/anomaly_detection/jobs/{job_id}", dependencies=[FORECAST])
async def get_job(job_id: str, service: Service, caller: CurrentCaller) -> Response:
    """How a job stands, with its result once it has one."""
    found = service.errands.look(job_id, caller.id)
    result = None if found.result is None else orjson.Fragment(found.result)
    status = STATES.get(found.state, found.state)
    return answer({"job_id": found.id, "status": status, "result": result, "error": found.error})


@router.post("/v2/async/jobs/{job_id}/cancel", dependencies=[FORECAST])
async def post_cancel(job_id: str, service: Service, caller: CurrentCaller) -> Response:
    """Asks a job of this process to stop."""
    service.errands.cancel(job_id, caller.id)
    return answer({"job_id": job_id, "status": "cancelled"}, 202)


@router.post("/v2/explain/async", dependencies=[FORECAST])
async def post_explanation() -> Response:
    """Refused: nothing here weighs features."""
    raise CallUnsupported(
        "explain", "nothing here weighs features", "Compare backtests of versions trained with and without them."
    )


@router.post("/v2/execute_step/async", dependencies=[FORECAST])
async def post_step() -> Response:
    """Refused: there are no steps to name."""
    raise CallUnsupported("execute_step", "this service has no such steps", "Use the other calls.")


def _read(kind: type[AnyPayload], body: bytes, *, as_job: bool = False) -> AnyPayload:
    asked = kind.model_validate_json(body)
    asked.check()
    if asked.timeout_seconds is not None and not as_job:
        raise OptionUnsupported(
            "job_options", "a request that is answered at once makes no job", "Submit it as a job, or leave it out."
        )
    return asked


def _forecast(service: Resources, spend: SpendPoints, asked: ForecastPayload) -> bytes:
    return asking.answer_alone(service, asking.forecast(service, spend, asked))


def _simulate(service: Resources, spend: SpendPoints, asked: SimulatePayload) -> bytes:
    return asking.answer_alone(service, asking.simulate(service, spend, asked))


def _cross_validate(service: Resources, spend: SpendPoints, asked: CrossValidationPayload) -> bytes:
    return asking.answer_alone(service, asking.cross_validate(service, spend, asked))


async def _answer(
    request: Request, service: Resources, kind: type[AnyPayload], call: Callable[[AnyPayload], bytes]
) -> Response:
    body = await read_json(request)
    return Response(await service.bench.run(lambda: call(_read(kind, body))), media_type=JSON)


async def _take_on(
    request: Request,
    service: Resources,
    caller: CurrentCaller,
    kind: type[AnyPayload],
    call: Callable[[AnyPayload], bytes],
) -> Response:
    body = await read_json(request)
    read = partial(_read, kind, body, as_job=True)
    # Read now, to refuse what is wrong at once, and again when it is begun: the bytes take less room.
    timeout_seconds = (await run_in_threadpool(read)).timeout_seconds
    job_id = service.errands.submit(caller.id, lambda: call(read()), timeout_seconds=timeout_seconds)
    return answer({"job_id": job_id}, 202)
