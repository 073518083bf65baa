"""POST /v1/timeseries/forecast and GET /v1/timeseries/models, as KServe's servers answer them."""

from fastapi import APIRouter, Request, Response

from app.batching import Dialogue
from app.compat.asking import account, named
from app.compat.kserve.payloads import ForecastRequest, from_answer
from app.forecasting import Answer, Question
from app.routes.bodies import JSON, answer, read_json, to_json
from app.routes.permissions import ANY_KEY, FORECAST, SpendPoints
from app.routes.resources import Resources, Service
from app.stores.references import PRODUCTION

router = APIRouter(prefix="/v1/timeseries", include_in_schema=False)


@router.post("/forecast", dependencies=[FORECAST])
async def post_forecast(request: Request, service: Service, spend: SpendPoints) -> Response:
    """The next steps of each series, together with what else is waiting to be asked."""
    body = await read_json(request)
    return Response(await service.forecasts.run(_answer(service, spend, body), num_bytes=len(body)), media_type=JSON)


@router.get("/models", dependencies=[ANY_KEY])
def get_models(service: Service) -> Response:
    """The names that a forecast can be asked of."""
    models = service.registry.models()
    return answer([one.name for one in models if any(alias.alias == PRODUCTION for alias in one.aliases)])


def _answer(service: Resources, spend: SpendPoints, body: bytes) -> Dialogue[Question, Answer, bytes]:
    asked = ForecastRequest.model_validate_json(body)
    asked.check_limits(service.settings)
    given = yield asked.to_question(named(service, asked.model))
    account(service, spend, given)
    return to_json(from_answer(given, asked))
