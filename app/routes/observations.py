"""What a dataset holds: its series, with previews, and the observations of one."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from app.errors import CursorInvalid, DatasetCorrupt, DatasetNotFound
from app.routes.bodies import JSON, answer, to_json
from app.routes.documented import problems
from app.routes.permissions import ANY_KEY, SpendPoints
from app.routes.resources import Service
from app.schemas.observations import MAX_PREVIEW, ObservationsBody, SeriesPage, from_observations, from_series
from app.schemas.panels import Text
from app.schemas.refusals import ItemNotFound
from app.stores.database import read_cursor

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

_NOT_READ = (DatasetNotFound, DatasetCorrupt)


@router.get(
    "/{dataset_id}/series",
    summary="List the series of a dataset",
    response_model=SeriesPage,
    dependencies=[ANY_KEY],
    responses=problems(*_NOT_READ, CursorInvalid),
)
def get_series(
    dataset_id: str,
    service: Service,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    contains: Annotated[str | None, Query(max_length=256, description="Only those with this in their item_id.")] = None,
    preview: Annotated[int, Query(ge=0, le=MAX_PREVIEW, description="How many values of each to show, at most.")] = 0,
) -> Response:
    """In the dataset's order, with their ends, and few enough values of each to be drawn small."""
    panel = service.datasets.panel(dataset_id)
    wanted = (contains or "").casefold()
    chosen = [one for one in panel if wanted in one.item_id.casefold()]
    return answer(from_series(chosen, start=read_cursor(cursor) or 0, limit=limit, num_preview=preview))


@router.get(
    "/{dataset_id}/observations",
    summary="Show the observations of one series",
    response_model=ObservationsBody,
    dependencies=[ANY_KEY],
    responses=problems(*_NOT_READ, ItemNotFound),
)
async def get_observations(
    dataset_id: str,
    service: Service,
    spend: SpendPoints,
    item_id: Annotated[Text, Query(description="Which series.")],
) -> Response:
    """In the form in which forecasts, anomalies and uploads take a series."""

    def read() -> tuple[int, bytes]:
        panel = service.datasets.panel(dataset_id)
        series = next((one for one in panel if one.item_id == item_id), None)
        if series is None:
            raise ItemNotFound(item_id, dataset_id)
        return len(series), to_json(from_observations(series))

    num_points, content = await run_in_threadpool(read)
    spend(num_points)
    return Response(content, media_type=JSON)
