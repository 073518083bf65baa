"""Forecasts that were kept: list, show, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.errors import CursorInvalid, ForecastNotFound
from app.forecasting import Answer
from app.routes.accounting import audited
from app.routes.bodies import JSON, answer
from app.routes.documented import problems
from app.routes.forecast_formats import Sent, num_values_of
from app.routes.permissions import FORECAST, TRAIN
from app.routes.resources import Service
from app.schemas.answers import Seconds, from_forecast
from app.schemas.kept_forecasts import KeptForecastBody, KeptForecastPage, end_of, from_ends, from_kept
from app.stores.database import now
from app.stores.kept_forecasts import Keeping, KeptForecast
from model import ItemForecast, Series

router = APIRouter(prefix="/v1/forecasts", tags=["forecasts"])


@router.get(
    "",
    summary="List the forecasts that are kept",
    response_model=KeptForecastPage,
    dependencies=[FORECAST],
    responses=problems(CursorInvalid),
)
def get_forecasts(
    service: Service, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> Response:
    """The newest first, without their numbers."""
    return answer(from_kept(service.kept_forecasts.list(limit=limit, cursor=cursor)))


@router.get(
    "/{forecast_id}",
    summary="Show a forecast again",
    response_model=KeptForecastBody,
    dependencies=[FORECAST],
    responses=problems(ForecastNotFound),
)
def get_forecast(forecast_id: str, service: Service) -> Response:
    """As it was answered, with the last observations it was made from."""
    return Response(service.kept_forecasts.content(forecast_id), media_type=JSON)


@router.delete(
    "/{forecast_id}",
    status_code=204,
    summary="Delete a forecast",
    dependencies=[TRAIN, audited("forecast.deleted")],
    responses=problems(ForecastNotFound),
)
def delete_forecast(forecast_id: str, service: Service) -> None:
    """Its address and its pictures answer no more."""
    service.kept_forecasts.delete(forecast_id)


def kept(given: Answer, sent: Sent, *, answer_id: str, seconds: Seconds) -> Keeping:
    """An answer, to be kept.

    Args:
        given: It.
        sent: What was asked.
        answer_id: Its id.
        seconds: What the request took.
    """
    made_at = now()
    forecasts = {one.item_id: one for one in given.items if isinstance(one, ItemForecast)}
    series = (one for one in sent.question.items if isinstance(one, Series) and one.item_id in forecasts)
    ends = [end_of(one, forecasts[one.item_id]) for one in series]

    def content() -> KeptForecastBody:
        options = sent.options
        told = from_forecast(
            given,
            answer_id=answer_id,
            quantile_levels=options.quantile_levels,
            interval_levels=options.interval_levels,
            seconds=seconds,
        )
        history = list(from_ends(ends, sent.sources))
        return KeptForecastBody(
            told.id, made_at, told.model, told.forecasts, history, told.calibration, told.usage, told.timings_ms
        )

    about = KeptForecast(
        answer_id, made_at, given.name, given.version, given.items[0].item_id if given.items else None, len(given.items)
    )
    num_values = num_values_of(given, sent) + sum(map(len, ends))
    return Keeping(about, num_values, content)
