"""The problems that a route answers with, as OpenAPI describes them."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any, Final

from app import errors
from app.problems import MEDIA_TYPE, code_of, rule_of
from app.schemas import refusals
from model import (
    DataError,
    DuplicateItems,
    DuplicateTimestamps,
    ForecastingError,
    FrequencyInvalid,
    LengthMismatch,
    SeriesTooShort,
    TimestampInvalid,
    TimeZonesMixed,
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
    DuplicateItems,
    DuplicateTimestamps,
    FrequencyInvalid,
    LengthMismatch,
    SeriesTooShort,
    TimestampInvalid,
    TimeZonesMixed,
)

_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {name: {"type": "string"} for name in ("type", "title", "detail", "code", "hint", "pointer")}
    | {"status": {"type": "integer"}, "item_id": {"type": "string"}, "request_id": {"type": "string"}},
}


def problems(*kinds: type[ForecastingError]) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that can fail with errors of these kinds, beside a body that is no request."""
    by_status: dict[int, list[str]] = defaultdict(list)
    by_status[400].append("json_malformed")
    by_status[422].append("request_invalid")
    for kind in kinds:
        by_status[rule_of(kind).status].append(code_of(kind))
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}.",
            "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
        }
        for status, codes in sorted(by_status.items())
    }
