"""POST /v1/anomalies: which observations lie outside the interval that was forecast for them."""

import uuid

from fastapi import APIRouter, Request, Response

from app.anomalies import Detection
from app.routes.bodies import JSON, describe_body, read_json, to_json
from app.routes.documented import ANY_BODY, ANY_DATASET, ANY_FORECAST, ANY_SERIES, ANY_VERSION, problems
from app.routes.permissions import FORECAST, SpendPoints
from app.routes.resources import Resources, Service
from app.schemas.anomalies import AnomalyRequest, AnomalyResponse, from_verdict
from app.schemas.panels import check_size, each_read_once

router = APIRouter(tags=["anomalies"])


@router.post(
    "/v1/anomalies",
    summary="Judge observations by forecasts made before them",
    response_model=AnomalyResponse,
    dependencies=[FORECAST],
    responses=problems(
        *ANY_BODY,
        *ANY_SERIES,
        *ANY_DATASET,
        *ANY_VERSION,
        *ANY_FORECAST,
    ),
    openapi_extra=describe_body(AnomalyRequest),
)
async def post_anomalies(request: Request, service: Service, spend: SpendPoints) -> Response:
    """Compares the last observations with rolling forecasts; outside the calibrated interval one is an anomaly."""
    body = await read_json(request)
    content = await service.bench.run(lambda: _answer(service, spend, body))
    return Response(content, media_type=JSON)


def _answer(service: Resources, spend: SpendPoints, body: bytes) -> bytes:
    settings = service.settings
    asked = AnomalyRequest.model_validate_json(body)
    check_size(asked.series, settings.max_series, settings.max_points)
    suspicion = asked.to_suspicion(each_read_once(service.datasets.panel, settings.max_points))
    detection = Detection(service.registry, service.forecasting, max_cutoffs=settings.max_cutoffs)
    verdict = detection.judge(suspicion)
    spend(verdict.points_in + verdict.points_out)
    return to_json(from_verdict(verdict, suspicion.search, answer_id=f"an_{uuid.uuid4().hex}"))
