"""How questions are put to the service: in JSON, or as a table where it reads tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from app.client.conversations import Conversation
from app.client.forecasts import Question
from app.client.requests import Origin, read_object
from app.client.values import Dataset

if TYPE_CHECKING:
    from app.client.tables import Frame, Sent

_MOST_IN_QUERY = 50
"""Timestamps of a horizon that the address of a request holds."""


class Asking:
    """The part of a client that knows how requests are written."""

    _origin: Origin

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, is_repeatable: bool = True
    ) -> Conversation[dict[str, Any]]:
        content = None if body is None else orjson.dumps(body)
        request = self._origin.request(method, path, body=content)
        return read_object((yield from self._origin.send(request, is_repeatable=is_repeatable)))

    def _read(
        self, data: "Frame | str", item_id: str | None, timestamp: str | None, target: str | None
    ) -> "Sent | None":
        if isinstance(data, str):
            return None
        from app.client.tables import read_frame  # noqa: PLC0415 - loads pyarrow

        return read_frame(data, item_id=item_id, timestamp=timestamp, target=target)

    def _send_table(
        self, path: str, sent: "Sent", query: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Conversation[httpx.Response]:
        from app.client.tables import ARROW  # noqa: PLC0415

        columns = {"item_id": sent.columns.item_id, "timestamp": sent.columns.timestamp, "target": sent.columns.target}
        body, whole = sent.to_arrow(), {**columns, **query}
        request = self._origin.request("POST", path, body=body, media_type=ARROW, query=whole, headers=headers)
        return (yield from self._origin.send(request))

    def _ask_forecast(
        self, data: "Frame | str", sent: "Sent | None", question: Question
    ) -> Conversation[httpx.Response]:
        from app.client.tables import ARROW  # noqa: PLC0415

        # What httpx cannot unpack it hands on, and `from_arrow` can.
        accepted = {"Accept": ARROW, **({"Accept-Encoding": "zstd"} if self._origin.is_packed else {})}
        if sent is not None and len(question.horizon.get("timestamps", ())) <= _MOST_IN_QUERY:
            return (yield from self._send_table("/v1/forecasts", sent, question.to_query(), headers=accepted))
        body = question.to_json([{"dataset": data}] if sent is None else sent.to_series())
        request = self._origin.request("POST", "/v1/forecasts", body=body, headers=accepted)
        return (yield from self._origin.send(request))

    def _upload(self, data: "Frame | str", sent: "Sent | None", freq: str | None, duplicates: str) -> Conversation[str]:
        if sent is None:
            return str(data)
        response = yield from self._send_table("/v1/datasets", sent, {"freq": freq, "duplicates": duplicates})
        return Dataset.read(read_object(response)).id
