"""Forecasts, backtests and trainings as pictures: SVG, and PNG made from it."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response

from app.errors import ForecastNotFound, JobNotFound
from app.jobs.values import BacktestJob, TrainingJob
from app.pictures.charts import Figure
from app.pictures.drawing import Format, Theme, draw
from app.pictures.forecasts import draw_forecast
from app.pictures.jobs import draw_backtest, draw_training
from app.pictures.raster import to_png
from app.routes.documented import problems
from app.routes.permissions import FORECAST, TRAIN
from app.routes.resources import Service
from app.schemas.kept_forecasts import read_kept
from app.schemas.refusals import ItemNotForecast
from model import ForecastingError

router = APIRouter()

Suffix = Literal["png", "svg"]
_TYPES: Final = {"svg": "image/svg+xml", "png": "image/png"}
Item = Annotated[str | None, Query(max_length=1000, description="Which series; the first six if left out.")]


async def _format(
    width: Annotated[int, Query(ge=240, le=4000, description="In pixels.")] = 1200,
    height: Annotated[int, Query(ge=160, le=4000, description="In pixels.")] = 500,
    theme: Annotated[Theme, Query(description="Of its ground.")] = "light",
) -> Format:
    return Format(width, height, theme)


Asked = Annotated[Format, Depends(_format)]


@dataclass(frozen=True)
class _Picture:
    """How OpenAPI describes the picture of something."""

    subject: str
    suffix: Suffix

    def route(self, permission: Any, *kinds: type[ForecastingError]) -> dict[str, Any]:
        media_type = _TYPES[self.suffix]
        schema = {"type": "string"} if self.suffix == "svg" else {"type": "string", "format": "binary"}
        return {
            "summary": f"{self.subject} as {self.suffix.upper()}",
            "response_class": Response,
            "dependencies": [permission],
            "responses": problems(*kinds)
            | {200: {"description": "The picture.", "content": {media_type: {"schema": schema}}}},
        }


def _answer(figure: Figure, form: Format, suffix: Suffix) -> Response:
    svg = draw(figure, form)
    return Response(svg if suffix == "svg" else to_png(svg), media_type=_TYPES[suffix])


def _add(suffix: Suffix) -> None:
    def forecast(forecast_id: str, service: Service, form: Asked, item_id: Item = None) -> Response:
        """History, median and intervals, a frame for each series."""
        kept = read_kept(service.kept_forecasts.content(forecast_id))
        return _answer(draw_forecast(kept, item_id), form, suffix)

    def backtest(job_id: str, service: Service, form: Asked) -> Response:
        """How each method did, by lead."""
        return _answer(draw_backtest(service.jobs.get(job_id, BacktestJob)), form, suffix)

    def training(job_id: str, service: Service, form: Asked) -> Response:
        """Its losses by epoch, as far as it has come."""
        return _answer(draw_training(service.jobs.get(job_id, TrainingJob)), form, suffix)

    for path, tag, endpoint, about in (
        ("/v1/forecasts/{forecast_id}", "forecasts", forecast,
         _Picture("A forecast", suffix).route(FORECAST, ForecastNotFound, ItemNotForecast)),
        ("/v1/backtests/{job_id}", "backtests", backtest, _Picture("A backtest", suffix).route(TRAIN, JobNotFound)),
        ("/v1/training-jobs/{job_id}", "training jobs", training,
         _Picture("A training", suffix).route(TRAIN, JobNotFound)),
    ):  # fmt: skip
        router.add_api_route(
            f"{path}.{suffix}", endpoint, methods=["GET"], tags=[tag], name=f"get_{endpoint.__name__}_{suffix}", **about
        )


for _suffix in ("svg", "png"):
    _add(_suffix)
