"""POST /v1/forecasts: forecast now."""

import time
import uuid
from collections.abc import Callable, Iterator

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from app.batching import Dialogue
from app.forecasting import Answer, Prepared, Question
from app.hindsight import Made
from app.memory import LARGE_BYTES
from app.routes.bodies import JSON, read_body
from app.routes.direct import DirectRoute
from app.routes.documented import ANY_BODY, ANY_DATASET, ANY_FORECAST, ANY_SERIES, ANY_VERSION, problems
from app.routes.forecast_formats import ANSWERS, Sent, Written, choose_answer, read_question, write_answer
from app.routes.forecast_streams import ForecastStream, is_streamed
from app.routes.kept_forecasts import kept
from app.routes.permissions import FORECAST, spending
from app.routes.queries import describe_query, read_query
from app.routes.resources import Resources, resources_of
from app.routes.tables import ANY_TABLE, TABLES, describe_answer, describe_panel
from app.schemas.answers import ForecastResponse, Seconds
from app.schemas.forecast_query import ForecastQuery
from app.schemas.forecasts import ForecastRequest
from app.schemas.horizon import DurationInvalid
from app.schemas.refusals import NothingAcceptable, ParametersMisplaced, ParametersMissing
from app.tracing import Follow, follow
from model import HorizonNotAhead, ItemForecast, Series

router = APIRouter(tags=["forecasts"], route_class=DirectRoute)
_read_query = read_query(ForecastQuery)


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
        *ANY_TABLE,
        NothingAcceptable,
        ParametersMissing,
        ParametersMisplaced,
    )
    | describe_answer("The forecasts of all series, in the order they were sent.", *ANSWERS),
    openapi_extra=describe_panel(ForecastRequest) | describe_query(ForecastQuery),
)
async def post_forecast(request: Request) -> Response:
    """Answers with the version that the model means at this moment, together with what else is waiting to be asked.

    In the format that Accept prefers. The query is for tables: a request in JSON says all of it in its body.
    """
    service, spend, query = resources_of(request), await spending(request), await _read_query(request)
    accepted = choose_answer(request)
    media_type, body = await read_body(request, JSON, *TABLES)
    dialogue = _answer(service, spend, query, accepted, media_type, body, follow())
    written = await service.forecasts.run(dialogue, num_bytes=len(body))
    headers = written.headers | {"Vary": "Accept"}
    # Most forecasts are of no dataset: a thread is taken only where there is something to write.
    later = BackgroundTask(service.hindsight.write) if service.hindsight.is_due else None
    if not isinstance(written.parts, bytes) or len(body) + len(written.parts) >= LARGE_BYTES:
        service.tidying.soon()
    if isinstance(written.parts, bytes):
        return Response(written.parts, headers=headers, media_type=written.media_type, background=later)
    return StreamingResponse(written.parts, headers=headers, media_type=written.media_type, background=later)


def _answer(
    service: Resources,
    spend: Callable[[int], None],
    query: ForecastQuery,
    accepted: str,
    media_type: str,
    body: bytes,
    span: Follow,
) -> Dialogue[Question | Prepared, Answer, Written]:
    """From bytes to bytes, on a thread apart from all other requests; the forecast is made for several at once."""
    started = time.perf_counter()
    sent = read_question(media_type, body, query, service.settings, service.datasets)
    parsed = time.perf_counter()
    answer_id = f"fc_{uuid.uuid4().hex}"

    def heed(given: Answer) -> None:
        span("lookup", given.load_seconds, ago=given.forecast_seconds, model=given.name, version=given.version)
        span("forward", given.forecast_seconds, series=len(given.items), points=given.points_out)
        spend(given.points_in + given.points_out)
        service.hindsight.remember(_made(sent, given))
        service.metrics.count_answer(given)

    prepared = service.forecasting.prepare(sent.question)
    if is_streamed(service, accepted, sent, prepared):
        return (yield from ForecastStream(service, sent, prepared, heed).begin(accepted, answer_id))
    given = yield prepared
    heed(given)
    computed = time.perf_counter()
    seconds = Seconds(parsed - started, computed - started)
    if sent.options.keep:
        service.kept_forecasts.keep(kept(given, sent, answer_id=answer_id, seconds=seconds))
    written = write_answer(accepted, given, sent, answer_id=answer_id, seconds=seconds)
    service.metrics.count_bytes(parse_seconds=seconds.parse, write_seconds=time.perf_counter() - computed)
    return written


def _made(sent: Sent, given: Answer) -> Iterator[Made]:
    """The forecasts of series that stand in a dataset, which later observations can be compared with."""
    items, sources = sent.question.items, sent.sources
    series = {one.item_id: one for one in items if isinstance(one, Series) and one.item_id in sources}
    for one in given.items:
        if isinstance(one, ItemForecast) and one.item_id in series:
            yield Made(sources[one.item_id], series[one.item_id], given.name, given.version, one)
