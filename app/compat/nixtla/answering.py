"""forecast, cross_validation and detect_anomalies, at once or as a job of this process."""

from collections.abc import Callable
from typing import Final, TypeVar

import orjson
from fastapi import APIRouter, Request, Response

from app.compat.nixtla import asking, judging
from app.compat.nixtla.payloads import (
    AnomalyPayload,
    CrossValidationPayload,
    ForecastPayload,
    OnlineAnomalyPayload,
    Payload,
)
from app.routes.bodies import JSON, answer, read_json
from app.routes.permissions import FORECAST, CurrentCaller, SpendPoints
from app.routes.resources import Resources, Service
from app.schemas.refusals import CallUnsupported, OptionUnsupported

router = APIRouter(prefix="/compat/nixtla", include_in_schema=False)

AnyPayload = TypeVar("AnyPayload", bound=Payload)
Work = Callable[[], bytes]

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
    body = await read_json(request)
    return await _answer_now(service, lambda: _cross_validate(service, spend, _read(CrossValidationPayload, body)))


@router.post("/v2/anomaly_detection", dependencies=[FORECAST])
async def post_anomaly_detection(request: Request, service: Service, spend: SpendPoints) -> Response:
    """All observations that can be judged."""
    body = await read_json(request)
    return await _answer_now(service, lambda: judging.judge(service, spend, _read(AnomalyPayload, body)))


@router.post("/v2/online_anomaly_detection", dependencies=[FORECAST])
async def post_online_anomaly_detection(request: Request, service: Service, spend: SpendPoints) -> Response:
    """The last observations, judged."""
    body = await read_json(request)
    return await _answer_now(service, lambda: judging.judge(service, spend, _read(OnlineAnomalyPayload, body)))


@router.post("/v2/forecast/async", dependencies=[FORECAST])
async def post_forecast_job(request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints) -> Response:
    """A forecast as a job."""
    asked = _read(ForecastPayload, await read_json(request), as_job=True)
    call = lambda: asking.answer_alone(service, asking.forecast(service, spend, asked))  # noqa: E731
    return _take_on(service, caller.id, asked, call)


@router.post("/v2/cross_validation/async", dependencies=[FORECAST])
async def post_cross_validation_job(
    request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints
) -> Response:
    """A cross-validation as a job."""
    asked = _read(CrossValidationPayload, await read_json(request), as_job=True)
    return _take_on(service, caller.id, asked, lambda: _cross_validate(service, spend, asked))


@router.post("/v2/anomaly_detection/async", dependencies=[FORECAST])
async def post_anomaly_detection_job(
    request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints
) -> Response:
    """The last observations, judged as a job: jobs go by the later of the two names that this call has."""
    asked = _read(OnlineAnomalyPayload, await read_json(request), as_job=True)
    return _take_on(service, caller.id, asked, lambda: judging.judge(service, spend, asked))


@router.get("/v2/forecast/jobs/{job_id}", dependencies=[FORECAST])
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


@router.post("/v2/simulate/async", dependencies=[FORECAST])
async def post_simulation() -> Response:
    """Refused: there are no paths to draw."""
    raise CallUnsupported(
        "simulate", "versions know quantiles of each step, not sample paths", "Use forecast(…, quantiles=[…])."
    )


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


def _cross_validate(service: Resources, spend: SpendPoints, asked: CrossValidationPayload) -> bytes:
    return asking.answer_alone(service, asking.cross_validate(service, spend, asked))


async def _answer_now(service: Resources, work: Work) -> Response:
    return Response(await service.bench.run(work), media_type=JSON)


def _take_on(service: Resources, owner: str, asked: Payload, work: Work) -> Response:
    job_id = service.errands.submit(owner, work, timeout_seconds=asked.timeout_seconds)
    return answer({"job_id": job_id}, 202)
