"""Large forecasts answered as a stream: some series computed and written after the other, never all of them held."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import structlog

from app.batching import MAX_BYTES, Dialogue
from app.forecasting import Answer, Prepared, Question
from app.routes import forecast_formats
from app.routes.bodies import ARROW, CSV, NDJSON, to_json
from app.routes.forecast_formats import PartWriter, Sent, Written, part_writer, series_at_once, told, values_a_point
from app.routes.resources import Resources
from app.schemas.answers import describe

_STREAMED = (ARROW, CSV, NDJSON)
"""The formats in which series can follow each other; of JSON and Parquet the end has to be known."""

Heed = Callable[[Answer], None]
"""What is done with each part of an answer beside writing it."""


class StreamBroken(Exception):
    """An answer that cannot be ended; raised to the server, which closes the connection."""


_log = structlog.get_logger()


def is_streamed(service: Resources, media_type: str, sent: Sent, prepared: Prepared) -> bool:
    """Whether an answer is made part by part: it is large, and not to be kept, for which it would have to be whole."""
    num_values = prepared.points_out * values_a_point(sent)
    if media_type not in _STREAMED or num_values <= forecast_formats.MAX_VALUES_AT_ONCE:
        return False
    return not (sent.options.keep and service.kept_forecasts.has_room_for(num_values))


@dataclass(frozen=True, eq=False)
class ForecastStream:
    """An answer that is made part by part; what is wrong with the request is told before the first one.

    Attributes:
        service: What computes it.
        sent: What was asked.
        prepared: The same, with the version that answers.
        heed: Called with each part.
    """

    service: Resources
    sent: Sent
    prepared: Prepared
    heed: Heed

    def begin(self, media_type: str, answer_id: str) -> Dialogue[Question | Prepared, Answer, Written]:
        """The answer with its first part; the others are computed as they are read."""
        num_series = series_at_once(len(self.prepared.items), self.prepared.points_out * values_a_point(self.sent))
        first = yield self.prepared.part(slice(num_series))
        self.heed(first)
        about = to_json(describe(self.prepared.ahead(first), answer_id))
        zones = frozenset(one.series.time_zone for one in self.prepared.asked)
        writer = part_writer(media_type, self.sent, zones, about)
        return Written(media_type, self._parts(writer, writer.write(first.items), num_series), told(about))

    async def _parts(self, writer: PartWriter, first: bytes, num_series: int) -> AsyncIterator[bytes]:
        yield first
        for begin in range(num_series, len(self.prepared.items), num_series):
            later = self._later(writer, slice(begin, begin + num_series))
            try:
                written = await self.service.forecasts.run(later, num_bytes=MAX_BYTES, is_admitted=True)
            except Exception as error:
                # The status is sent: all that is left is to break off, so that nobody takes a part for the whole.
                _log.error("a stream of forecasts broke off", num_series=begin, reason=str(error))
                raise StreamBroken from error
            yield written
        yield writer.end()

    def _later(self, writer: PartWriter, items: slice) -> Dialogue[Question | Prepared, Answer, bytes]:
        given = yield self.prepared.part(items)
        self.heed(given)
        return writer.write(given.items)
