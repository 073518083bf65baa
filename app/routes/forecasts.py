"""POST /v1/forecasts: forecast now."""

import time
import uuid
from collections.abc import Iterator, Mapping

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from app.batching import Dialogue
from app.forecasting import Answer, Question, Refusal
from app.hindsight import Made
from app.routes.bodies import JSON, describe_body, read_json, to_json
from app.routes.documented import ANY_BODY, ANY_DATASET, ANY_FORECAST, ANY_SERIES, ANY_VERSION, problems
from app.routes.permissions import FORECAST, SpendPoints
from app.routes.resources import Resources, Service
from app.schemas.answers import ForecastResponse, Seconds, from_forecast
from app.schemas.forecasts import ForecastRequest
from app.schemas.horizon import DurationInvalid
from app.schemas.panels import each_read_once
from app.schemas.refusals import OptionUnsupported
from model import HorizonNotAhead, ItemForecast, Series

router = APIRouter(tags=["forecasts"])


@router.post(
    "/v1/forecasts",
    summary="Forecast now",
    response_model=ForecastResponse,
    dependencies=[FORECAST],
    responses=problems(
        *ANY_BODY,
        *ANY_SERIES,
        *ANY_DATASET,
        *ANY_VERSION,
        *ANY_FORECAST,
        HorizonNotAhead,
        DurationInvalid,
        OptionUnsupported,
    ),
    openapi_extra=describe_body(ForecastRequest),
)
async def post_forecast(request: Request, service: Service, spend: SpendPoints) -> Response:
    """Answers with the version that the model means at this moment, together with what else is waiting to be asked."""
    body = await read_json(request)
    content = await service.forecasts.run(_answer(service, spend, body), num_bytes=len(body))
    return Response(content, media_type=JSON, background=BackgroundTask(service.hindsight.write, is_due_only=True))


def _answer(service: Resources, spend: SpendPoints, body: bytes) -> Dialogue[Question, Answer, bytes]:
    """From bytes to bytes, on a thread apart from all other requests; the forecast is made for several at once."""
    started = time.perf_counter()
    settings = service.settings
    asked = ForecastRequest.model_validate_json(body)
    asked.check_limits(
        max_series=settings.max_series,
        max_points=settings.max_points,
        max_horizon_steps=settings.max_horizon_steps,
        max_quantile_levels=settings.max_quantile_levels,
    )
    find = each_read_once(service.datasets.panel, settings.max_points)
    question = asked.to_question(find)
    parsed = time.perf_counter()
    given = yield question
    spend(given.points_in + given.points_out)
    service.hindsight.remember(_made(question, given, asked.sources(find)))
    service.metrics.points.inc(given.points_out)
    service.metrics.refusals.inc(sum(isinstance(one, Refusal) for one in given.items))
    response = from_forecast(
        given,
        answer_id=f"fc_{uuid.uuid4().hex}",
        quantile_levels=asked.quantile_levels,
        interval_levels=asked.interval_levels,
        covariates=asked.covariates,
        seconds=Seconds(parsed - started, time.perf_counter() - started),
    )
    return to_json(response)


def _made(question: Question, given: Answer, sources: Mapping[str, str]) -> Iterator[Made]:
    """The forecasts of series that stand in a dataset, which later observations can be compared with."""
    series = {one.item_id: one for one in question.items if isinstance(one, Series) and one.item_id in sources}
    for one in given.items:
        if isinstance(one, ItemForecast) and one.item_id in series:
            yield Made(sources[one.item_id], series[one.item_id], given.name, given.version, one)
