"""The problems that a route answers with, as OpenAPI describes them."""

from http import HTTPStatus
from typing import Any, Final

from app import errors
from app.bench import DeadlineExceeded, ServiceBusy
from app.forecasting import ForecastNotFinite
from app.schemas import refusals
from app.schemas.horizon import DateInvalid
from app.web.problems import MEDIA_TYPE, code_of, rule_of
from model import (
    AxesMixed,
    ChannelMissing,
    ChannelUnknown,
    CheckpointCorrupt,
    CheckpointFormatUnsupported,
    CheckpointMissing,
    CovariateInvalid,
    CovariateLengthMismatch,
    CovariateMissing,
    DataError,
    DuplicateItems,
    DuplicateTimestamps,
    ForecastingError,
    FrequencyInvalid,
    FrequencyUnknown,
    HorizonOutOfRange,
    LengthMismatch,
    SeriesTooShort,
    TimestampInvalid,
    TimeZonesMixed,
    ValueInvalid,
)

ANY_BODY: Final = (
    errors.LimitExceeded,
    refusals.BodyTooLarge,
    refusals.BodyExpandsTooMuch,
    refusals.CompressionDamaged,
    refusals.EncodingUnsupported,
    refusals.MediaTypeUnsupported,
)
ANY_SERIES: Final[tuple[type[DataError], ...]] = (
    AxesMixed,
    CovariateInvalid,
    CovariateLengthMismatch,
    DuplicateItems,
    DuplicateTimestamps,
    FrequencyInvalid,
    LengthMismatch,
    SeriesTooShort,
    TimestampInvalid,
    TimeZonesMixed,
    ValueInvalid,
)
ANY_DATASET: Final = (errors.DatasetNotFound, errors.DatasetCorrupt, refusals.ItemNotFound, refusals.DatasetRepeated)
ANY_ALIAS: Final = (errors.ModelNotFound, errors.AliasNotFound)
ANY_CHECKPOINT: Final = (CheckpointMissing, CheckpointCorrupt, CheckpointFormatUnsupported)
ANY_VERSION: Final = (errors.NameInvalid, *ANY_ALIAS, errors.VersionNotFound, *ANY_CHECKPOINT)
ANY_FORECAST: Final = (
    *(HorizonOutOfRange, FrequencyUnknown, DateInvalid, ForecastNotFinite, CovariateMissing),
    *(ChannelMissing, ChannelUnknown),
    *(ServiceBusy, DeadlineExceeded),
)

PROBLEM: Final = {
    "type": "object",
    "title": "Problem",
    "description": "A refusal, as RFC 9457 has it: compare `code`, read `detail` and `hint`.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {name: {"type": "string"} for name in ("type", "title", "detail", "code", "hint", "pointer")}
    | {
        "status": {"type": "integer"},
        "item_id": {"type": "string", "description": "The series concerned, where there is one."},
        "request_id": {"type": "string", "description": "What the log of the service has it under."},
        "errors": {
            "type": "array",
            "description": "Every field that is wrong, where it is fields.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""The JSON Schema of every problem."""

_MALFORMED: Final = ("json_malformed", 400, "Malformed JSON", "The body is no JSON.")
_INVALID: Final = ("request_invalid", 422, "Request invalid", "A field is missing, unknown or of another kind.")
_OF_ANY: Final = (refusals.UrlTooLong, refusals.HeadersTooLarge)
_OF_KEYS: Final = (errors.KeyMissing, errors.KeyRefused, errors.CallerNotLocal, errors.RateExceeded)
_OF_BODIES: Final = (refusals.BodyTooLarge, refusals.MediaTypeUnsupported)
_RETRY: Final = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}}

Responses = dict[int | str, dict[str, Any]]
NOT_MODIFIED: Final[Responses] = {304: {"description": "It is as `If-None-Match` says that the caller has it."}}


def problems(*kinds: type[ForecastingError]) -> Responses:
    """The responses of a route that can fail with errors of these kinds, beside those that `document` adds."""
    responses: Responses = {}
    for kind in kinds:
        rule = rule_of(kind)
        meaning = (kind.__doc__ or "").splitlines()[0]
        _add(responses, rule.status, (code_of(kind), rule.status, rule.title, meaning))
    return responses


def document(operation: dict[str, Any], *, is_bounded: bool) -> None:
    """Adds to an operation what it can answer because of its body, parameters and key, and describes all problems.

    Args:
        operation: As FastAPI describes it; changed in place.
        is_bounded: Whether it counts among the requests that are answered at once.
    """
    found: Responses = operation["responses"]
    for status in [one for one in found if "ValidationError" in str(found[one])]:
        del found[status]
    general = problems(*_general(operation), *((errors.ServiceFull,) if is_bounded else ()))
    if "requestBody" in operation:
        _add(general, 400, _MALFORMED)
    if "requestBody" in operation or any(map(_can_be_invalid, operation.get("parameters", ()))):
        _add(general, 422, _INVALID)
    for status, response in general.items():
        for example in _examples(response).values():
            value = example["value"]
            _add(found, str(status), (value["code"], value["status"], value["title"], value["detail"]))
    for status, response in found.items():
        if MEDIA_TYPE in response.get("content", {}):
            _describe(int(status), response)


def _general(operation: dict[str, Any]) -> tuple[type[ForecastingError], ...]:
    scopes = [scope for one in operation.get("security", ()) for scope in one.get("ApiKey", ())]
    parameters = {one["name"] for one in operation.get("parameters", ())}
    return (
        *_OF_ANY,
        *(_OF_KEYS if "security" in operation else ()),
        *((errors.ScopeMissing,) if scopes else ()),
        *(_OF_BODIES if "requestBody" in operation else ()),
        *((errors.CursorInvalid,) if "cursor" in parameters else ()),
    )


def _can_be_invalid(parameter: dict[str, Any]) -> bool:
    """Whether there are values that a parameter cannot have: not if it is any part of a path."""
    return bool(parameter["in"] != "path" or parameter["schema"].get("type") != "string")


def _add(responses: Responses, status: int | str, problem: tuple[str, int, str, str]) -> None:
    code, number, title, detail = problem
    content = responses.setdefault(status, {}).setdefault("content", {})
    value = {"type": f"urn:longshot:problem:{code}", "title": title, "status": number, "detail": detail, "code": code}
    content.setdefault(MEDIA_TYPE, {}).setdefault("examples", {})[code] = {
        "summary": title,
        "value": value | {"hint": "What to do about it.", "request_id": "req_6f1d2c"},
    }


def _examples(response: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = response["content"][MEDIA_TYPE]["examples"]
    return found


def _describe(status: int, response: dict[str, Any]) -> None:
    codes = sorted(_examples(response))
    response["description"] = f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}."
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    response["content"][MEDIA_TYPE]["schema"] = {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrowed]}
    if status in (429, 503):
        response["headers"] = _RETRY
